package words

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 12: "12", 999: "999", 1204: "1,204", 10_000: "10,000", 262144: "262,144", -1000: "-1,000", -100: "-100",
		math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBadge(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{-1: "", 0: "", 1: "1", 1204: "1,204"} {
		if got := Badge(n); got != want {
			t.Errorf("Badge(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 users", 1: "1 user", 2: "2 users", 1204: "1,204 users"} {
		if got := Count(n, "user"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{
		-1: "0 bytes", 0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1499: "1 kB", 14_500: "15 kB", 999_400: "999 kB",
		999_499: "999 kB", 999_500: "1.0 MB", 1_000_000: "1.0 MB", 2_440_000: "2.4 MB", 14_249_999: "14.2 MB", 20 << 20: "21.0 MB",
		99_949_999: "99.9 MB", 99_950_000: "100 MB", 340_499_999: "340 MB", 999_499_999: "999 MB", 999_500_000: "1.0 GB",
		5_300_000_000: "5.3 GB", 2_000_000_000_000: "2.0 TB", math.MaxInt64: "9,223,372 TB",
	} {
		if got := Size(bytes); got != want {
			t.Errorf("Size(%d) = %q, want %q", bytes, got, want)
		}
	}
}

// TestSizeIsRoundedToWhatItShows checks that the number shown differs from the size by
// at most half of its last digit.
func TestSizeIsRoundedToWhatItShows(t *testing.T) {
	t.Parallel()
	units := map[string]float64{"byte": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.Int64Range(0, math.MaxInt64).Draw(t, "bytes")
		text := Size(bytes)
		readable(t, text)
		digits, unit, _ := strings.Cut(strings.ReplaceAll(text, ",", ""), " ")
		shown, err := strconv.ParseFloat(digits, 64)
		if err != nil || units[unit] == 0 {
			t.Fatalf("%q", text)
		}
		half := units[unit] / 2
		if strings.Contains(digits, ".") {
			half /= 10
		}
		if off := math.Abs(shown*units[unit] - float64(bytes)); off > half*(1+1e-9) {
			t.Fatalf("%d bytes read %q", bytes, text)
		}
	})
}

func TestNumbersReadWell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		readable(t, Number(n))
		if got, err := strconv.ParseInt(strings.ReplaceAll(Number(n), ",", ""), 10, 64); err != nil || got != n {
			t.Fatalf("%d reads %q", n, Number(n))
		}
	})
}
