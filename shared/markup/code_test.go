package markup

import "testing"

func TestGroupCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"":          "",
		"ABC":       "ABC",
		"ABCD":      "ABCD",
		"ABCDEFGH":  "ABCD EFGH",
		"ABCDEFGHJ": "ABCD EFGH J",
	} {
		if got := GroupCode(code); got != want {
			t.Errorf("GroupCode(%q) = %q, want %q", code, got, want)
		}
	}
}
