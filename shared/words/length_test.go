package words

import "testing"

func TestLength(t *testing.T) {
	t.Parallel()
	for characters, want := range map[int64]string{
		0: "0 characters", 1: "1 character", 1204: "1,204 characters", 5999: "5,999 characters",
		6000: "about 2 pages", 37_000: "about 12 pages", 30_000_000: "about 10,000 pages",
	} {
		if got := Length(characters); got != want {
			t.Errorf("%d: %q, want %q", characters, got, want)
		}
	}
}
