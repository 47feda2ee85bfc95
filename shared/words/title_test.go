package words

import "testing"

func TestTitles(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Session(""):                 "New chat",
		Session("A harbour wall"):   "A harbour wall",
		PageTitle(""):               "Gatehouse",
		PageTitle(Session("")):      "New chat · Gatehouse",
		PageTitle(Session("Bread")): "Bread · Gatehouse",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
