"""The directed acyclic graph of connected modules."""

import itertools
from typing import get_args
from weakref import WeakKeyDictionary, WeakSet

from serket_bridge.checks import require


class Node:
    """A module as a node of the graph, with a name that can name a folder.

    `connections` has the modules that it is connected to, its `parents`, by the names
    of its inputs; `children` are those that are connected to it. `output_message` is
    the class of its own forward message.

    `ports` are its inputs: name -> the class of the messages that it takes, or several,
    `Gaussian | Categorical`. Without ports it has up to `max_parents` inputs of any
    names, "0", "1", ... by position, which take `input_message`.
    """

    ports, max_parents = None, 1
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

    @property
    def parents(self) -> tuple:
        """The modules that this one is connected to, in the order of its inputs."""
        return tuple(self.connections.values())

    def disconnect(self) -> None:
        """Removes this module's parents and children, and their messages, from it."""
        self.connections = {}
        # weak: modules can be deleted
        self.children, self._backward = WeakSet(), WeakKeyDictionary()

    def connect(self, *parents: "Node", **named: "Node") -> None:
        """Connects this module to its parents; replaces earlier ones.

        Args:
            parents: in the order of the inputs.
            named: by the names of the inputs, `connect(image=obs, word=words)`.

        Raises:
            TypeError: no modules, too many, an input that it does not have, or
                something that is not a module.
            ValueError: messages of another kind, or a cycle.
        """
        connections = self._assign_inputs(parents, named)
        for name, parent in connections.items():
            self._check_parent(name, parent)
        for parent in self.parents:
            parent.children.discard(self)
            parent._backward.pop(self, None)
        self.connections = connections
        for parent in self.parents:
            parent.children.add(self)

    def _assign_inputs(self, parents, named):
        """name of the input -> module, in the order of `ports`."""
        received = [name_of(module) for module in parents]
        received += [f"{name}={name_of(module)}" for name, module in named.items()]
        rule = f"{self.name}.connect needs at least one module, and takes at most "
        if self.ports is None:
            names, limit = [*map(str, range(len(parents))), *named], self.max_parents
            rule += f"{limit}, each once"
        else:
            names, limit = [*self.ports], len(self.ports)
            rule += f"{limit}, each once: {', '.join(names)}"
        found = dict(zip(names, parents, strict=False)) | named
        n_different = len({id(module) for module in found.values()})
        is_allowed = 0 < n_different == len(received) <= limit
        is_allowed &= found.keys() <= set(names)
        require(is_allowed, rule, ", ".join(received) or "none", TypeError)
        return {name: found[name] for name in names if name in found}

    def kinds(self, name: str) -> tuple[type, ...]:
        """The classes of the messages that an input takes."""
        taken = self.input_message if self.ports is None else self.ports[name]
        return get_args(taken) or (taken,)

    def _check_parent(self, name, parent):
        rule = f"{self.name}.connect takes modules (wrap data in Observation)"
        require(isinstance(parent, Node), rule, type(parent).__name__, TypeError)
        connection = f"{self.name} cannot be connected to {parent.name}"
        rule = f"{connection}: that would be a cycle, because {parent.name} depends on "
        require(self not in parent.ancestors(), f"{rule}{self.name}")
        taken, sent = self.kinds(name), parent.output_message
        rule = f"{connection}: it takes {join(taken)} messages as its input {name}"
        # a message of a wider class may be one of theirs, which `inputs` finds out
        is_taken = any(issubclass(sent, k) or issubclass(k, sent) for k in taken)
        require(is_taken, rule, f"{sent.__name__} messages")

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


def join(kinds: tuple[type, ...]) -> str:
    """The names of classes, for error messages."""
    return " or ".join(kind.__name__ for kind in kinds)


def name_of(module) -> str:
    """The name of a module, or else the class of what is none."""
    return module.name if isinstance(module, Node) else type(module).__name__
