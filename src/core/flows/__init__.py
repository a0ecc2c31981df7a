"""The steps: gather facts through ports, ask a pure decision, carry it out, record it, speak."""
