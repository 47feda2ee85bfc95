package httpd

import "testing"

func TestSettingsAreShownPlainly(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`[]`: "none", `"30s"`: "30s", `120`: "120",
		`["a", "b"]`: `["a", "b"]`, ``: "", `"`: `"`} {
		if got := plainSetting(value); got != want {
			t.Errorf("%s is shown as %s, want %s", value, got, want)
		}
	}
}
