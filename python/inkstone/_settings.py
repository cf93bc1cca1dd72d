"""Settings: the flags of the command line, as arguments."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from . import _c
from ._call import Path, ask, name_of, taken, text_of, word
from ._errors import UsageError
from ._handle import Handle
from ._library import lib

Value = Union[None, bool, int, float, str, Sequence[str]]

ACTIVITIES = ("train", "write", "explain", "rewrite", "classify", "eval", "score", "convert", "pull", "tokenizer", "bench", "text")


@dataclass(frozen=True)
class SettingInfo:
    """What a setting is."""

    name: str  #: as in a flag: "top-p"
    section: str
    arg: str  #: placeholder of the value: "N", "F", "a|b|c"; "" for a switch
    default: str
    help: str
    is_switch: bool
    repeats: bool  #: takes several values
    is_prompt: bool  #: text that a model reads, which may be empty


class Settings(Handle):
    """The settings of an activity by name, "top-p" or "top_p": `Settings("write", temperature=0.8)`, then `settings["temperature"]`."""

    def __init__(self, activity: str, **values: Value) -> None:
        """`activity`: one of ACTIVITIES. A value of None leaves the default, a list gives a setting several times."""
        if activity not in ACTIVITIES:
            raise UsageError(f"there are no settings for {activity!r}: the activities are {', '.join(ACTIVITIES)}")
        self.activity = activity
        super().__init__(getattr(lib, f"ink_settings_{activity}")(), lib.ink_settings_free)
        self.update(**values)

    def update(self, **values: Value) -> None:
        """Sets several; a name that is a word of Python takes an underscore: `from_="models/base"`."""
        for name, value in values.items():
            if value is not None:
                self[name[:-1] if name.endswith("_") else name] = value

    def load(self, recipe: Path) -> None:
        """Sets what a YAML recipe gives; explicit values win over it."""
        with self._use() as address:
            ask(lib.ink_settings_load, address, name_of(recipe))

    def __setitem__(self, name: str, value: Value) -> None:
        with self._use() as address:
            if isinstance(value, bool):
                ask(lib.ink_settings_set_bool, address, word(name), value)
            elif isinstance(value, float):
                ask(lib.ink_settings_set_real, address, word(name), value)
            elif isinstance(value, int):
                self._set_number(address, word(name), value)
            elif value is not None:
                for one in [value] if isinstance(value, str) else value:
                    ask(lib.ink_settings_set, address, word(name), word(one))

    @staticmethod
    def _set_number(address: int, name: bytes, value: int) -> None:
        """An int is also a value of a setting with a fraction, and of one that takes a word or a number."""
        if not lib.ink_settings_set_int(address, name, value, ctypes.byref(_c.ink_error())):
            ask(lib.ink_settings_set, address, name, word(str(value)))

    def __getitem__(self, name: str) -> Union[bool, int, float, str]:
        """The current value, "" if there is none; KeyError for an unknown name."""
        with self._use() as address:
            text = lib.ink_settings_get(address, word(name))
            if text is None:
                raise KeyError(name)
            written = taken(text).decode("utf-8", "replace")
            kinds: List[Tuple[Any, Any]] = [(lib.ink_settings_get_bool, ctypes.c_bool()), (lib.ink_settings_get_int, ctypes.c_int64()),
                                            (lib.ink_settings_get_real, ctypes.c_double())]
            for get, value in kinds if written else ():
                if get(address, word(name), ctypes.byref(value), ctypes.byref(_c.ink_error())):
                    found: Union[bool, int, float] = value.value
                    return found
            return written

    def describe(self) -> List[SettingInfo]:
        """All settings of this activity."""
        info = _c.ink_setting_info(ctypes.sizeof(_c.ink_setting_info))
        found: List[SettingInfo] = []
        with self._use() as address:
            while lib.ink_settings_describe(address, len(found), ctypes.byref(info)):
                found.append(SettingInfo(text_of(info.name), text_of(info.section), text_of(info.arg), text_of(info.default_value),
                                         text_of(info.help), info.is_switch, info.repeats, info.is_prompt))
        return found


def settings_for(activity: str, settings: Optional[Settings], values: Dict[str, Value]) -> Settings:
    """The settings of a call: new ones with these values, or the caller's, which are not changed: they take no values beside them."""
    if settings is None:
        return Settings(activity, **values)
    if values:
        raise TypeError(f"give {', '.join(values)} either in settings or as arguments, not both")
    if settings.activity != activity:
        raise UsageError(f"these are settings for {settings.activity!r}: this call needs Settings({activity!r})")
    return settings
