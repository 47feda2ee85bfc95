package jsontext

// The first and the last millisecond of the years 1 to 9999, which RFC 3339 can write.
const (
	FirstTime = -62135596800000
	LastTime  = 253402300799999
)

// FormatTime writes milliseconds since 1970 UTC as RFC 3339 text in UTC. It returns ""
// for 0 and for times that RFC 3339 cannot write. Package time is not used because its
// formatting adds 40 KB to the browser's download, and its calendar another 4.
func FormatTime(ms int64) string {
	if ms == 0 || ms < FirstTime || ms > LastTime {
		return ""
	}
	ms -= FirstTime
	year, month, day := civil(int(ms/dayMs) + daysToYear1)
	text := []byte("0000-00-00T00:00:00.000Z")
	for _, part := range [...]struct{ end, value int }{
		{4, year}, {7, month}, {10, day}, {13, int(ms / hourMs % 24)}, {16, int(ms / minuteMs % 60)},
		{19, int(ms / 1000 % 60)}, {23, int(ms % 1000)},
	} {
		for i := part.end - 1; part.value > 0; i-- {
			text[i] += byte(part.value % 10)
			part.value /= 10
		}
	}
	return string(text)
}

// ParseTime reads RFC 3339 text (section 5.6) as milliseconds since 1970 UTC. It drops
// anything finer than a millisecond. "" is 0.
func ParseTime(s string) (ms int64, ok bool) {
	if s == "" {
		return 0, true
	}
	const date = "2006-01-02T15:04:05"
	if len(s) <= len(date) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	var v [6]int
	for i, at := range [6][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		if v[i], ok = whole(s[at[0]:at[1]]); !ok {
			return 0, false
		}
	}
	millis, rest, ok := fraction(s[len(date):])
	east, ok2 := offset(rest)
	if !ok || !ok2 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[3] > 23 || v[4] > 59 || v[5] > 59 {
		return 0, false
	}
	days := daysOf(v[0], v[1], v[2])
	if _, _, day := civil(days); day != v[2] {
		return 0, false // such as February 30
	}
	ms = FirstTime + int64(days-daysToYear1)*dayMs + int64(v[3])*hourMs + int64(v[5])*1000 + int64(millis)
	return ms + int64(v[4]-east)*minuteMs, true
}

const (
	minuteMs = 60_000
	hourMs   = 60 * minuteMs
	dayMs    = 24 * hourMs

	// Days are counted from 0000-03-01, so that a leap day is the last day of its year.
	daysToYear1 = 306     // 0001-01-01
	daysOf400   = 146_097 // in 400 years, after which the calendar repeats
)

// civil returns the Gregorian date of a day.
func civil(days int) (year, month, day int) {
	era := days / daysOf400
	if days < 0 {
		era--
	}
	days -= era * daysOf400
	year = (days - days/1460 + days/36524 - days/146096) / 365
	days -= 365*year + year/4 - year/100
	month = (5*days + 2) / 153 // months of 31, 30, 31, 30 and 31 days, over and over
	day = days - (153*month+2)/5 + 1
	year += 400 * era
	if month < 10 {
		return year, month + 3, day
	}
	return year + 1, month - 9, day
}

// daysOf is the inverse of civil.
func daysOf(year, month, day int) int {
	if month > 2 {
		month -= 3
	} else {
		month += 9
		year--
	}
	era := year / 400
	if year < 0 {
		era--
	}
	year -= 400 * era
	return era*daysOf400 + 365*year + year/4 - year/100 + (153*month+2)/5 + day - 1
}

// whole reads s, which must be all digits.
func whole(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

// fraction reads the milliseconds at the start of s, if there are any.
func fraction(s string) (millis int, rest string, ok bool) {
	if s[0] != '.' && s[0] != ',' {
		return 0, s, true
	}
	i, unit := 1, 100
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		millis += int(s[i]-'0') * unit
		unit /= 10
		i++
	}
	return millis, s[i:], i > 1
}

// offset reads a time zone, "Z" or "+01:30", as minutes east of UTC.
func offset(s string) (east int, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok := whole(s[1:3])
	minutes, ok2 := whole(s[4:6])
	if !ok || !ok2 || hours > 24 || minutes > 60 { // the limits of package time
		return 0, false
	}
	east = hours*60 + minutes
	if s[0] == '-' {
		east = -east
	}
	return east, true
}
