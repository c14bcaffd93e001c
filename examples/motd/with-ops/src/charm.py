#!/usr/bin/env python3
"""A message of the day for whoever logs in to the machine."""

import os
import pathlib
import re

import ops


class MotdCharm(ops.CharmBase):
    """Shows a message, whom to write to, and where the other units are."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        # Tests give a folder in place of the machine's files.
        self.file = pathlib.Path(os.environ.get("MOTD_ROOT", "/"), "etc/motd.d/motd")
        cluster = self.on["cluster"]
        for event in (
            self.on.start,
            self.on.config_changed,
            self.on.upgrade_charm,
            self.on.update_status,
            cluster.relation_created,
            cluster.relation_changed,
            cluster.relation_departed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.show_action, self._on_show)

    def _reconcile(self, event: ops.EventBase):
        if isinstance(event, ops.RelationDepartedEvent) and event.departing_unit == self.unit:
            return
        problems = []
        message = str(self.config["message"])
        if len(message) > 200:
            problems.append(f"message={message[:79]}…: takes at most 200 characters")
            message = "This machine is looked after by Juju."
        contact = str(self.config.get("contact", ""))
        if contact and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", contact):
            problems.append(f"contact={contact}: takes an e-mail address")
            contact = ""
        lines = [message]
        if contact:
            lines.append(f"Contact: {contact}")
        others = self._other_addresses()
        if others:
            lines.append(f"The others: {', '.join(others)}")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("\n".join(lines) + "\n")
        self.unit.status = ops.BlockedStatus(problems[0]) if problems else ops.ActiveStatus()

    def _other_addresses(self) -> list[str]:
        """Tells the other units this one's address, and returns theirs."""
        relation = self.model.get_relation("cluster")
        if relation is None:
            return []
        binding = self.model.get_binding(relation)
        if binding is not None:
            relation.data[self.unit]["address"] = str(binding.network.ingress_addresses[0])
        found = [relation.data[unit].get("address", "") for unit in relation.units]
        return sorted(address for address in found if address)

    def _on_stop(self, _: ops.StopEvent):
        self.file.unlink(missing_ok=True)

    def _on_show(self, event: ops.ActionEvent):
        event.set_results({"text": self.file.read_text()})


if __name__ == "__main__":
    ops.main(MotdCharm)
