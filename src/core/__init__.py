"""The house: every decision, price, quota, fault and word. Pure, save for flows/."""
