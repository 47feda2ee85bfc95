package words

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSkeleton(t *testing.T) {
	t.Parallel()
	for _, alike := range [][]string{
		{"anna", "Anna", "ANNA", "аnnа", "Αnna", "an-na", " an.na ", "a_n_n_a"},
		{"admin", "Adrnin", "admln", "ADMIN", "аdmіn", "adm1n", "admin@"},
		{"root", "r00t", "R0OT", "гооt", "roo7"},
		{"boss", "8o$5"},
		{"steve", "st3v3"},
		{"wendy", "vvendy"},
		{"Søren", "soren"},
	} {
		for _, other := range alike[1:] {
			if a, b := Skeleton(alike[0]), Skeleton(other); a != b {
				t.Errorf("%q is %q, %q is %q", alike[0], a, other, b)
			}
		}
	}
	for _, pair := range [][2]string{{"anna", "hanna"}, {"anna", "ann"}, {"ben", "bea"},
		{"anna2", "anna3"}, {"", "a"}, {"李", "王"}, {"Иван", "Игорь"}} {
		if Skeleton(pair[0]) == Skeleton(pair[1]) {
			t.Errorf("%q and %q look alike: %q", pair[0], pair[1], Skeleton(pair[0]))
		}
	}
}

// TestSkeletonIsStable checks that a skeleton has itself as its skeleton, and is UTF-8.
func TestSkeletonIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		s := Skeleton(name)
		if again := Skeleton(s); again != s || !utf8.ValidString(s) {
			t.Fatalf("%q: %q, again %q", name, s, again)
		}
	})
}

func TestConfusablesArePairs(t *testing.T) {
	t.Parallel()
	seen := map[rune]bool{}
	for i, r := range []rune(confusables) {
		switch {
		case i%2 == 0 && (r < 0x80 || seen[r]):
			t.Errorf("%q is at the place of a lookalike, or there twice", r)
		case i%2 == 1 && (r >= 0x80 || 'A' <= r && r <= 'Z'):
			t.Errorf("%q is at the place of a letter", r)
		}
		seen[r] = i%2 == 0 || seen[r]
	}
}
