"""The directed acyclic graph of connected modules."""

import itertools
from weakref import WeakKeyDictionary, WeakSet

from serket_bridge.checks import require


class Node:
    """A module as a node of the graph, with a name that can name a folder.

    `parents` are the modules that it is connected to, at most `max_parents`; `children`
    are those that are connected to it. `input_message` is the class of the messages
    that it reads from its parents, `output_message` of its own forward message.
    """

    max_parents = 1
    input_message = output_message = object
    _count = itertools.count()

    def __init__(self, name: str):
        is_word = isinstance(name, str) and name and not set(name) & set('/\\:*?"<>|')
        require(is_word, "name must be a word that can name a folder", repr(name))
        self.name = name
        self._creation_index = next(Node._count)
        self.disconnect()

    def __repr__(self):
        parents = ", ".join(parent.name for parent in self.parents) or "nothing"
        return f"<{type(self).__name__} {self.name!r}, connected to {parents}>"

    def disconnect(self) -> None:
        """Removes this module's parents and children, and their messages, from it."""
        self.parents = ()
        # weak: modules can be deleted
        self.children, self._backward = WeakSet(), WeakKeyDictionary()

    def connect(self, *parents: "Node") -> None:
        """Connects this module to its parents, in order; replaces earlier ones.

        Raises:
            TypeError: no modules, too many, or something that is not a module.
            ValueError: messages of another kind, or a cycle.
        """
        names = ", ".join(getattr(m, "name", type(m).__name__) for m in parents)
        rule = f"{self.name}.connect needs at least one module, and takes at most "
        rule += str(self.max_parents)
        is_allowed = 0 < len(parents) <= self.max_parents
        require(is_allowed, rule, names or "none", TypeError)
        for parent in parents:
            self._check_parent(parent)
        for parent in self.parents:
            parent.children.discard(self)
            parent._backward.pop(self, None)
        self.parents = parents
        for parent in parents:
            parent.children.add(self)

    def _check_parent(self, parent):
        rule = f"{self.name}.connect takes modules (wrap data in Observation)"
        require(isinstance(parent, Node), rule, type(parent).__name__, TypeError)
        connection = f"{self.name} cannot be connected to {parent.name}"
        rule = f"{connection}: that would be a cycle, because {parent.name} depends on "
        require(self not in parent.ancestors(), f"{rule}{self.name}")
        taken, sent = self.input_message, parent.output_message
        rule = f"{connection}: it takes {taken.__name__} messages"
        require(issubclass(sent, taken), rule, f"{sent.__name__} messages")

    def ancestors(self) -> set:
        """This module, and all modules that its input depends on."""
        return {self}.union(*(parent.ancestors() for parent in self.parents))

    @property
    def graph(self) -> list:
        """All modules connected with this one, parents first, then by age."""
        found, new, ordered = set(), {self}, []
        while new:
            found |= new
            new = {n for m in new for n in (*m.parents, *m.children)} - found
        while found:
            ready = [m for m in found if found.isdisjoint(m.parents)]
            ordered.append(min(ready, key=lambda module: module._creation_index))
            found.remove(ordered[-1])
        return ordered

    @property
    def folder(self) -> str:
        """module<number>_<name>; the number is the position in `graph`."""
        return f"module{self.graph.index(self):03d}_{self.name}"
