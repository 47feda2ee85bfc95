package jsontext

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestIntIsThatOfStrconv(t *testing.T) {
	t.Parallel()
	same := func(t interface{ Fatalf(string, ...any) }, text string) {
		want, err := strconv.ParseInt(text, 10, 64)
		d := Borrow([]byte(text))
		defer d.Return()
		got := d.Int()
		if (d.End() == nil) != (err == nil) || err == nil && got != want {
			t.Fatalf("%s reads as %d (%v), strconv has %d (%v)", text, got, d.Err(), want, err)
		}
	}
	for _, text := range []string{"0", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551616", "92233720368547758070"} {
		same(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		same(t, rapid.StringMatching(`-?(0|[1-9][0-9]{0,21})`).Draw(t, "text"))
	})
}
