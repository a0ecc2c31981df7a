"""Spot or on-demand: what a launch may say about it. Only one-time spot requests are simulated."""

from decimal import Decimal, InvalidOperation

from sim.world.asking import Params
from sim.world.data import load_offerings, load_types
from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.spot import price_at
from sim.world.things import Region


def read_market(ground: Ground, region: Region, params: Params, name: str, zone: str | None) -> str:
    options = params.get("InstanceMarketOptions") or {}
    kind = options.get("MarketType")
    market = "spot" if kind == "spot" else "on-demand"
    if kind not in (None, "spot"):
        raise unknown("RunInstances", "market type", str(kind))
    if options.get("SpotOptions") and market != "spot":
        raise AwsError("InvalidParameterCombination", "SpotOptions need the market type spot")
    if market not in load_types()[name]["SupportedUsageClasses"]:
        raise AwsError(
            "UnsupportedOperation", f"The instance type {name} is not supported for {market} usage."
        )
    if market == "spot":
        _check_spot(ground, region, options.get("SpotOptions") or {}, name, zone)
    return market


def _check_spot(
    ground: Ground, region: Region, options: Params, name: str, zone: str | None
) -> None:
    if options.get("SpotInstanceType") not in (None, "one-time"):
        raise unknown("RunInstances", "spot instance type", str(options["SpotInstanceType"]))
    if options.get("InstanceInterruptionBehavior") not in (None, "terminate"):
        raise AwsError(
            "InvalidParameterCombination",
            "The interruption behavior stop and hibernate need a persistent Spot request.",
        )
    if options.get("ValidUntil"):
        raise AwsError("InvalidParameterCombination", "ValidUntil needs a persistent Spot request.")
    _check_price(ground, region, options.get("MaxPrice"), name, zone)


def _check_price(
    ground: Ground, region: Region, text: str | None, name: str, zone: str | None
) -> None:
    if text is None:
        return
    try:
        most = Decimal(text)
    except InvalidOperation as error:
        raise AwsError("InvalidParameterValue", f"Invalid value '{text}' for MaxPrice.") from error
    zones = [zone] if zone else load_offerings(region.name)[name]
    now = [price_at(ground, region.name, z, name, ground.time) for z in zones]
    prices = [price for price in now if price is not None]
    if prices and most < min(prices):
        raise AwsError(
            "SpotMaxPriceTooLow",
            f"Your Spot request price of {most} is lower than the minimum required Spot request "
            f"fulfillment price of {min(prices)}.",
        )


def max_price(params: Params) -> str | None:
    options = (params.get("InstanceMarketOptions") or {}).get("SpotOptions") or {}
    price: str | None = options.get("MaxPrice")
    return price
