"""Text as dates, in days since 1970-01-01."""

import numpy as np

EPOCH, DAY = "1970-01-01", np.timedelta64(1, "D")
ISO = "ISO8601"  # of pandas: 2021-03-31, 2021-03-31 12:30, 2021-03-31T12:30:00Z
DATES = (ISO, "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y")
DATES += ("%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
DATES += ("%d-%b-%Y", "%d-%b-%y")
N_SAMPLED = 1000  # cells that decide whether the others may be dates
SWAPPED = {"%m/%d": "%d/%m", "%d/%m": "%m/%d"}
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
LIKE_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,}[ -]\d{2}"
LIKE_DATE += r"|[A-Za-z]{3,} \d{1,2}, \d{4}"


def find_format(words) -> str | None:
    """The format of most dates of a pandas.Series of text, or `None`.

    Several are joined by "|": that of the first cells, and that of the others. Only one
    of day/month and month/day is among them.
    """
    sample = words.iloc[:: max(1, len(words) // N_SAMPLED)]
    if not sample.str.match(LIKE_DATE).mean() > 0.5:
        return None
    words = words.drop_duplicates()
    chosen = []
    while len(words):
        best = max(
            _candidates(words, chosen), key=lambda form: _fits(words, form).sum()
        )
        fits = _fits(words, best)
        if not fits.any():
            break
        chosen.append(best)
        words = words[~fits]
    return "|".join(chosen) or None


def _candidates(words, chosen):
    """The formats of a first cell, but for day/month beside a chosen month/day."""
    first, swapped = words.iloc[:100], {SWAPPED.get(form[:5]) for form in chosen}
    forms = [date + time for date in DATES for time in TIMES if date != ISO or not time]
    forms = [form for form in forms if form[:5] not in swapped]
    return [form for form in forms if _fits(first, form).any()] or [ISO]


def _fits(words, form):
    return ~np.isnan(_parse(words, form))


def to_days(words, form: str) -> np.ndarray:
    """A pandas.Series of text or of dates as days, (n,) float64, NaN for others."""
    days = np.full(len(words), np.nan)
    filled = words.notna().to_numpy(bool)
    for each in dict.fromkeys((*form.split("|"), ISO)):
        left = filled & np.isnan(days)
        if left.any():
            days[left] = _parse(words[left], each)
    return days


def _parse(words, form):
    import pandas

    dates = pandas.to_datetime(words, format=form, errors="coerce", utc=True)
    days = (dates.dt.tz_convert(None) - pandas.Timestamp(EPOCH)) / DAY
    return days.to_numpy(np.float64, na_value=np.nan)


def example(form: str) -> str:
    """A date of the first of these formats."""
    first, _, _ = form.partition("|")
    return np.datetime64("2021-03-31").item().strftime(first.replace(ISO, "%Y-%m-%d"))


def to_text(days: np.ndarray) -> list[str]:
    """Days as ISO dates, rounded."""
    dates = np.datetime64(EPOCH) + days.round() * DAY
    return np.datetime_as_string(dates.astype("datetime64[D]")).tolist()
