package markup

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPictureSize(t *testing.T) {
	t.Parallel()
	for _, row := range [][4]int64{
		{640, 480, 320, 240}, {1200, 800, 320, 213}, {100, 50, 100, 50}, {10, 4000, 1, 240}, {9000, 10, 320, 1}, {0, 0, 160, 160}, {5, 0, 160, 160}, {-1, 7, 160, 160},
	} {
		if w, h := PictureSize(row[0], row[1]); w != row[2] || h != row[3] {
			t.Errorf("PictureSize(%d, %d) = %d, %d; want %d, %d", row[0], row[1], w, h, row[2], row[3])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		w, h := PictureSize(rapid.Int64Range(-1, 1<<20).Draw(t, "width"), rapid.Int64Range(-1, 1<<20).Draw(t, "height"))
		if w < 1 || w > 320 || h < 1 || h > 240 {
			t.Fatalf("%d × %d", w, h)
		}
	})
}
