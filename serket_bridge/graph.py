"""Which module is connected to which."""

import itertools
from weakref import WeakSet


class Node:
    """A module as a node of a directed graph without cycles; data are at the bottom.

    Attributes:
        lowers: the modules it is connected to.
        most_lowers: how many it can be connected to.
        takes, sends: the kinds of the messages that come from below, and go up.
    """

    most_lowers = 1
    takes = sends = object
    _count = itertools.count()

    def __init__(self, name):
        if not isinstance(name, str) or not name or set(name) & set('/\\:*?"<>|'):
            raise ValueError(
                f"name must be a word that can name a folder. Received: {name!r}"
            )
        self.name = name
        self._made = next(Node._count)
        self.forget_connections()

    def forget_connections(self):
        """Connected to nothing, and nothing to it."""
        # weak: a module that the user has dropped is above nothing any more
        self.lowers, self._uppers = (), WeakSet()

    def connect(self, *lowers):
        """Takes its input from these modules. A second call replaces the first.

        Raises TypeError: none, too many, or something that is no module. ValueError,
        naming both modules: messages of another kind, or a cycle.
        """
        if not 0 < len(lowers) <= self.most_lowers:
            names = ", ".join(getattr(m, "name", repr(m)) for m in lowers) or "none"
            raise TypeError(
                f"{self.name}.connect needs a module below it, and takes at most "
                f"{self.most_lowers}. Received: {names}"
            )
        for lower in lowers:
            self._check_lower(lower)
        for lower in self.lowers:
            lower._uppers.discard(self)
            lower.forget(self)
        self.lowers = lowers
        for lower in lowers:
            lower._uppers.add(self)

    def _check_lower(self, lower):
        if not isinstance(lower, Node):
            raise TypeError(
                f"{self.name}.connect takes modules (wrap data in Observation). "
                f"Received: {type(lower).__name__}"
            )
        if self in lower.below():
            raise ValueError(
                f"{self.name} cannot be connected to {lower.name}: that would be a "
                f"cycle, for {lower.name} is {self.name} or gets its input from it"
            )
        if not issubclass(lower.sends, self.takes):
            raise ValueError(
                f"{self.name} cannot be connected to {lower.name}: it takes "
                f"{self.takes.__name__} messages, and {lower.name} sends "
                f"{lower.sends.__name__} ones"
            )

    def below(self):
        """This module, and all that its input comes from."""
        return {self}.union(*(lower.below() for lower in self.lowers))

    @property
    def graph(self):
        """All modules connected with this one, from the data up, else as made."""
        found, waiting = set(), [self]
        while waiting:
            module = waiting.pop()
            if module not in found:
                found.add(module)
                waiting += [*module.lowers, *module._uppers]
        waiting, ordered = sorted(found, key=lambda module: module._made), []
        while waiting:
            ready = (m for m in waiting if set(m.lowers) <= set(ordered))
            ordered.append(next(ready))
            waiting.remove(ordered[-1])
        return ordered

    @property
    def folder(self):
        """module<number>_<name>; numbers count the modules connected with this one."""
        return f"module{self.graph.index(self):03d}_{self.name}"

    def forget(self, upper):
        """Called when `upper` is connected elsewhere."""
