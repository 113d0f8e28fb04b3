"""Languages by the tags that films carry, and the encodings that old subtitle files of each are in.

The tags are ISO 639: two letters, three as the language calls itself, three as librarians do
(`fr`, `fra`, `fre`), or its English name. Only what subtitles are likely to be in is listed; other
tags are kept as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENGLISH", "UNKNOWN_LANGUAGE", "Language", "language_of"]

ENGLISH = "en"
UNKNOWN_LANGUAGE = "und"
"""ISO 639's own tag for a language that nobody told."""
WESTERN = "cp1252"


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    code: str
    """ISO 639-1 where it has two letters, else the tag itself."""
    name: str
    encoding: str = WESTERN
    """Of text files that are not Unicode: Windows' code page, or what was usual."""


_TABLE = """
ar ara     Arabic      cp1256
bg bul     Bulgarian   cp1251
bn ben     Bengali     cp1252
bs bos     Bosnian     cp1250
ca cat     Catalan     cp1252
cs ces,cze Czech       cp1250
da dan     Danish      cp1252
de deu,ger German      cp1252
el ell,gre Greek       cp1253
en eng     English     cp1252
es spa     Spanish     cp1252
et est     Estonian    cp1257
eu eus,baq Basque      cp1252
fa fas,per Persian     cp1256
fi fin     Finnish     cp1252
fr fra,fre French      cp1252
ga gle     Irish       cp1252
gl glg     Galician    cp1252
he heb     Hebrew      cp1255
hi hin     Hindi       cp1252
hr hrv     Croatian    cp1250
hu hun     Hungarian   cp1250
id ind     Indonesian  cp1252
is isl,ice Icelandic   cp1252
it ita     Italian     cp1252
ja jpn     Japanese    cp932
ko kor     Korean      cp949
lt lit     Lithuanian  cp1257
lv lav     Latvian     cp1257
mk mkd,mac Macedonian  cp1251
ms msa,may Malay       cp1252
nl nld,dut Dutch       cp1252
no nor     Norwegian   cp1252
pl pol     Polish      cp1250
pt por     Portuguese  cp1252
ro ron,rum Romanian    cp1250
ru rus     Russian     cp1251
sk slk,slo Slovak      cp1250
sl slv     Slovenian   cp1250
sq sqi,alb Albanian    cp1250
sr srp     Serbian     cp1251
sv swe     Swedish     cp1252
ta tam     Tamil       cp1252
th tha     Thai        cp874
tr tur     Turkish     cp1254
uk ukr     Ukrainian   cp1251
ur urd     Urdu        cp1256
vi vie     Vietnamese  cp1258
zh zho,chi Chinese     gb18030
"""


def _languages() -> dict[str, Language]:
    found: dict[str, Language] = {}
    for line in _TABLE.split("\n"):
        if line:
            code, longer, name, encoding = line.split()
            language = Language(code, name, encoding)
            found |= dict.fromkeys((code, *longer.split(","), name.lower()), language)
    return found


_LANGUAGES = _languages()


def language_of(tag: str | None) -> Language | None:
    """The language of a tag such as 'en', 'eng', 'en-US' or 'English'; None: none is told, or it is
    not listed."""
    main = (tag or "").strip().lower().replace("_", "-").partition("-")[0]
    return _LANGUAGES.get(main)
