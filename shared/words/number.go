package words

import "strconv"

// Number writes n with its digits in groups: "1,204".
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	grouped := make([]byte, 0, len(digits)+len(digits)/3)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			grouped = append(grouped, ',')
		}
		grouped = append(grouped, digits[i])
	}
	return string(grouped)
}

// Badge writes the number beside a heading or a link: "" for 0.
func Badge(n int) string {
	if n <= 0 {
		return ""
	}
	return Number(int64(n))
}

// Count writes a number of things, with a plural s where it belongs: "1 user",
// "1,204 users".
func Count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Number(n) + " " + thing
}

// Size writes a number of bytes in decimal units, rounded to the nearest: "812
// bytes", "14 kB", "2.4 MB", "340 MB", "5.3 GB". A negative number counts as 0.
func Size(bytes int64) string {
	const kilo = 1000
	bytes = max(bytes, 0)
	if bytes < kilo {
		return Count(bytes, "byte")
	}
	unit, name := int64(kilo), " kB"
	for _, larger := range [...]string{" MB", " GB", " TB"} {
		if bytes < unit*kilo-unit/2 {
			break
		}
		unit, name = unit*kilo, larger
	}
	if tenths := divideRounded(bytes, unit/10); unit > kilo && tenths < 1000 {
		return Number(tenths/10) + "." + Number(tenths%10) + name
	}
	return Number(divideRounded(bytes, unit)) + name
}

// divideRounded divides n by unit and rounds to the nearest whole number.
func divideRounded(n, unit int64) int64 {
	whole := n / unit
	if n%unit >= unit/2 {
		whole++
	}
	return whole
}
