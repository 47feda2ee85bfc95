//go:build !js

package protocol

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

const wireLayout = "2006-01-02T15:04:05.000Z07:00"

func TestTimeTextIsThatOfPackageTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := Time(rapid.Int64Range(int64(firstTime), int64(lastTime)).Draw(t, "ms"))
		if at == 0 {
			return
		}
		if got, want := at.String(), at.Go().Format(wireLayout); got != want {
			t.Fatalf("%d is %s, want %s", at, got, want)
		}
		if got, ok := ParseTime(at.String()); !ok || got != at {
			t.Fatalf("%s reads as %d, %v; want %d", at, got, ok, at)
		}
	})
	for _, at := range []Time{0, firstTime - 1, lastTime + 1, -1 << 63, 1<<63 - 1} {
		if at.String() != "" {
			t.Errorf("%d is %q, want no text", at, at.String())
		}
	}
	for _, at := range []Time{firstTime, -1, 1, lastTime} {
		if got, want := at.String(), at.Go().Format(wireLayout); got != want {
			t.Errorf("%d is %s, want %s", at, got, want)
		}
	}
}

// sameAsTime compares ParseTime with package time, except that RFC 3339 §5.6 requires
// two digits for the hour while package time accepts one.
func sameAsTime(t interface{ Fatalf(string, ...any) }, s string) {
	got, ok := ParseTime(s)
	want, err := time.Parse(time.RFC3339, s)
	if s == "" || !ok && len(s) > 12 && s[12] == ':' {
		return
	}
	if ok != (err == nil) {
		t.Fatalf("%q: %v, package time says %v", s, ok, err)
	}
	if ok && got != Time(want.UnixMilli()) {
		t.Fatalf("%q is %d, package time says %d", s, got, want.UnixMilli())
	}
}

func TestTimeReadsWhatPackageTimeReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sameAsTime(t, rapid.StringMatching(
			`[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.,][0-9]{0,12})?(Z|z|[+-][0-2][0-9]:[0-6][0-9])?`).Draw(t, "text"))
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2026-11-23T04:05:06Z", "2026-11-23T04:05:06.789Z", "2024-02-29T00:00:00+01:00", "2023-02-29T00:00:00Z",
		"0000-02-29T23:59:59.999999999-23:59", "1900-02-29T00:00:00Z", "2026-11-23T04:05:06.Z", "2026-11-23T4:05:06Z",
		"9999-12-31T23:59:60Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-11-23T04:05:06,5+24:60", "x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { sameAsTime(t, s) })
}
