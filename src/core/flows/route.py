"""From a typed command or a pressed button to its flow: the table of contents of the flows."""

from typing import assert_never

from core import commands, messages
from core.flows import (
    access,
    asking,
    audit,
    budgets,
    cost,
    data,
    decide,
    doctor,
    entrance,
    idle,
    launch,
    manage,
    market,
    permits,
    quota,
    rest,
    rules,
    saving,
    schedules,
    sharing,
    shelf,
    start,
    tell,
    trail,
)
from core.flows.house import House
from core.flows.request import Click, Request
from core.flows.speak import answer

# What makes a bill smaller is never refused because Slack cannot say who that is, nor because its
# owner has become a guest since: the machine's own row knows its owner's id.
_ALWAYS = frozenset({"stop", "stop-all", "end", "cancel"})

_FOR_EVERYBODY = (commands.UsageError, commands.Help, commands.Stop, commands.End)


def command(house: House, request: Request) -> None:
    """Carry out one slash command by the rules as they are now, and write it into the trail."""
    trail.recorded(rules.ruled(house), request, _command)


def _command(house: House, request: Request) -> None:
    """Whoever is no full member of this workspace only ever reads help, or stops what is theirs."""
    parsed = commands.parse(request.text)
    if isinstance(parsed, commands.Doctor):  # asks for itself: Slack may be what is broken
        return doctor.show(house, request)
    if not isinstance(parsed, _FOR_EVERYBODY):
        denied = permits.may_press(house, request.user)
        if denied:
            return answer(house, request.response_url, messages.denied(denied))
    return _carry_out(house, request, parsed)


def _carry_out(
    house: House, request: Request, parsed: commands.Command | commands.UsageError
) -> None:
    match parsed:
        case commands.UsageError():
            answer(house, request.response_url, messages.usage(parsed))
        case commands.Launch():
            launch.launch(house, request, parsed)
        case commands.Stop():
            manage.stop(house, request, parsed)
        case commands.Start():
            start.start(house, request, parsed)
        case commands.End():
            manage.end(house, request, parsed)
        case commands.Extend():
            manage.extend(house, request, parsed)
        case commands.Quota():
            quota.show(house, request, parsed)
        case commands.QuotaRaise():
            quota.raise_(house, request, parsed)
        case commands.Save():
            saving.save(house, request, parsed)
        case commands.Images():
            saving.list_images(house, request)
        case commands.ImageDelete():
            saving.delete(house, request, parsed)
        case commands.DataList():
            data.list_data(house, request)
        case commands.DataDelete():
            data.delete(house, request, parsed)
        case commands.Cost():
            cost.show(house, request, parsed)
        case commands.BudgetShow():
            budgets.show(house, request)
        case commands.BudgetSet():
            budgets.change(house, request, parsed)
        case commands.PolicyShow():
            rules.show(house, request)
        case commands.PolicySet():
            rules.change(house, request, parsed)
        case commands.Audit():
            audit.show(house, request, parsed)
        case commands.Idle():
            idle.change(house, request, parsed)
        case commands.ScheduleList():
            schedules.show(house, request)
        case commands.ScheduleSet():
            schedules.change(house, request, parsed)
        case commands.ScheduleSkip():
            schedules.skip(house, request, parsed)
        case _:
            _look_or_access(house, request, parsed)


def _look_or_access(
    house: House,
    request: Request,
    parsed: commands.Overview
    | commands.ListMachines
    | commands.Show
    | commands.Ssh
    | commands.Doctor
    | commands.Help
    | commands.Types
    | commands.Price
    | commands.Share
    | commands.KeyAdd
    | commands.KeyImport
    | commands.KeyList
    | commands.KeyRemove
    | commands.Allow
    | commands.AllowMe
    | commands.AllowOffice
    | commands.AllowRemove,
) -> None:
    match parsed:
        case commands.Overview():
            tell.overview(house, request)
        case commands.ListMachines():
            tell.listing(house, request, parsed)
        case commands.Show():
            tell.show(house, request, parsed)
        case commands.Ssh():
            tell.ssh(house, request, parsed)
        case commands.Doctor():
            doctor.show(house, request)
        case commands.Help():
            tell.help_(house, request, parsed)
        case commands.KeyAdd():
            access.add_key(house, request, parsed)
        case commands.Types():
            market.types(house, request, parsed)
        case commands.Price():
            market.price(house, request, parsed)
        case commands.Share():
            sharing.share(house, request, parsed)
        case commands.KeyImport():
            entrance.import_keys(house, request, parsed)
        case commands.AllowMe():
            entrance.allow_me(house, request, parsed)
        case commands.AllowOffice():
            entrance.allow_office(house, request, parsed)
        case commands.KeyList():
            access.list_keys(house, request)
        case commands.KeyRemove():
            access.remove_key(house, request, parsed)
        case commands.Allow():
            access.allow(house, request, parsed)
        case commands.AllowRemove():
            access.remove(house, request, parsed)
        case _:
            assert_never(parsed)


def lessens(asked: Request | Click) -> bool:
    """Whether this can only make a bill smaller: then it is carried out however late it comes."""
    if isinstance(asked, Click):
        return asked.action in _ALWAYS
    return isinstance(commands.parse(asked.text), commands.Stop | commands.End)


def launches(asked: Request | Click) -> bool:
    """Whether this asks for a machine that was not there before."""
    return isinstance(asked, Request) and isinstance(commands.parse(asked.text), commands.Launch)


def click(house: House, pressed: Click) -> None:
    """Carry out one pressed button, and write it into the audit trail."""
    trail.recorded(rules.ruled(house), pressed, _click)


def _click(house: House, pressed: Click) -> None:
    """Who pressed it is asked anew, unless it can only make a bill smaller: ids are enough then."""
    denied = None if pressed.action in _ALWAYS else permits.may_press(house, pressed.user)
    if denied:
        return answer(house, pressed.response_url, messages.denied(denied))
    if pressed.action.startswith("choose"):
        return decide.choose(house, pressed)
    flow = {
        "cancel": decide.cancel,
        "extend": manage.extend_click,
        "stop": manage.stop_click,
        "stop-all": manage.stop_all_click,
        "start": start.start_click,
        "end": manage.end_click,
        "keep": manage.keep_click,
        "idle-keep": idle.keep_click,
        "until": manage.until_click,
        "shelf-keep": shelf.keep_click,
        "schedule-skip": schedules.skip_click,
        "schedule-undo": schedules.undo_click,
        "data-delete": data.delete_click,
        "data-keep": data.keep_click,
        "image-delete": saving.delete_click,
        "image-keep": saving.keep_click,
        "more": rest.keep_trying,
        "approve": asking.approve_click,
        "deny": asking.deny_click,
        "ask-extension": asking.ask_extension,
    }.get(pressed.action)
    if flow is None:
        return answer(house, pressed.response_url, messages.old_button(None))
    return flow(house, pressed)
