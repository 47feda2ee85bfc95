package media

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (h *house) collect(t testing.TB, before time.Time) int {
	t.Helper()
	n, err := h.Collect(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// attach makes a file a session's, as chat.send does.
func (h *house) attach(f File, session int64, owner string) {
	f.SessionID, f.SessionUser = session, owner
	h.records.rows[f.ID] = f
}

func TestCollect(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sent, unused, twin := h.mustPut(t, ann, "a.txt", []byte("same")), h.mustPut(t, ann, "b.txt", []byte("other")), h.mustPut(t, ben, "c.txt", []byte("same"))
	h.attach(sent, 1, "ann")
	h.attach(twin, 2, "ben")
	if n := h.collect(t, time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("%d files of now are old", n)
	}
	if n := h.collect(t, time.Now().Add(time.Hour)); n != 1 {
		t.Errorf("%d unused files, want 1", n)
	}
	if _, err := h.Find(t.Context(), ann, unused.ID); err == nil {
		t.Error("the unused one is there still")
	}
	// Two records have one content: it goes with the last.
	for i, f := range []File{sent, twin} {
		if got := readBack(t, h, f); string(got) != "same" {
			t.Errorf("it holds %q", got)
		}
		_ = h.records.Free(f.ID) // as the end of its session does
		if n := h.collect(t, time.Now()); n != 1 {
			t.Errorf("collected %d", n)
		}
		if left := len(h.files(t)); left != 1-i {
			t.Errorf("%d contents are left", left)
		}
	}
	empty(t, h)
}

// A stop may come between any two steps of an upload and of a removal.
func TestCrashes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.mustPut(t, ann, "a.png", pngOf(t, painted(9, 9)))
	// A record whose content was not named, or is gone already.
	if err := os.RemoveAll(filepath.Join(h.dir, filepath.Dir(f.Sum.name()))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(f); err == nil {
		t.Error("there is no content to open")
	}
	if n := h.collect(t, time.Now().Add(time.Hour)); n != 1 {
		t.Errorf("collected %d", n)
	}
	empty(t, h)
	// What was being written when the process ended.
	if err := os.WriteFile(filepath.Join(h.dir, unfinished, "x"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := New(h.dir, h.records, func() Settings { return h.settings })
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	empty(t, h)
	// A content that lost its bytes is whole again with the next upload of it.
	f = h.mustPut(t, ann, "a.txt", []byte("hello"))
	if err := os.Truncate(filepath.Join(h.dir, f.Sum.name()), 0); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, h, h.mustPut(t, ben, "a.txt", []byte("hello"))); string(got) != "hello" {
		t.Errorf("it holds %q", got)
	}
}

// The folders and files are their owner's alone.
func TestModes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.mustPut(t, ann, "a.png", pngOf(t, painted(9, 9)))
	for name, want := range map[string]os.FileMode{unfinished: 0o700, filepath.Dir(f.Sum.name()): 0o700, f.Sum.name(): 0o600, f.Sum.small(): 0o600} {
		info, err := os.Stat(filepath.Join(h.dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.mustPut(t, ann, "a.txt", []byte("hello"))
	for _, id := range []string{"", "x", newID(), "../" + f.ID} {
		_, err := h.Find(t.Context(), root, id)
		refused(t, err, protocol.NotFound, "no such file")
	}
	_, err := h.Find(t.Context(), ben, f.ID)
	refused(t, err, protocol.Forbidden, "file does not belong to user")
	refused(t, h.Delete(t.Context(), ben, f.ID), protocol.Forbidden, "file does not belong to user")
	h.attach(f, 1, "ben")
	for _, who := range []session.Caller{ann, ben, root} {
		if got, err := h.Find(t.Context(), who, f.ID); err != nil || got.ID != f.ID {
			t.Errorf("%s finds %+v, %v", who.UserID, got, err)
		}
	}
	refused(t, h.Delete(t.Context(), ann, f.ID), protocol.FailedPrecondition, "a message has this file")
}

// In any life of uploads, removals and collections every record has its content,
// and there is no other content.
func TestAnyLifeOfFiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHouse(t)
		live := map[string]string{} // contents by id
		var ids []string
		pick := func() string {
			if len(ids) == 0 {
				rt.Skip("nothing there")
			}
			return rapid.SampledFrom(ids).Draw(rt, "file")
		}
		drop := func(id string) {
			delete(live, id)
			ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
		}
		rt.Repeat(map[string]func(*rapid.T){
			"upload": func(rt *rapid.T) {
				text := rapid.SampledFrom([]string{"one", "two", "three"}).Draw(rt, "text")
				f := h.mustPut(t, ann, "a.txt", []byte(text))
				live[f.ID] = text
				ids = append(ids, f.ID)
			},
			"broken upload": func(rt *rapid.T) {
				_, _ = h.Upload(t.Context(), ann, func() (string, io.Reader, error) {
					return "a.txt", io.MultiReader(strings.NewReader("one"), &failing{}), nil
				})
			},
			"send":   func(rt *rapid.T) { h.attach(h.records.rows[pick()], 1, "ann") },
			"delete": func(rt *rapid.T) { id := pick(); _ = h.records.Free(id); drop(id) },
			"collect": func(rt *rapid.T) {
				h.collect(t, time.Now().Add(time.Hour))
				for _, id := range slices.Clone(ids) {
					if h.records.rows[id].SessionID == 0 {
						drop(id)
					}
				}
				contents := map[string]bool{}
				for _, text := range live {
					contents[text] = true
				}
				if files := h.files(t); len(files) != len(contents) || len(h.records.rows) != len(live) {
					rt.Fatalf("%v and %d records for %v", files, len(h.records.rows), live)
				}
			},
			"": func(rt *rapid.T) {
				for id, text := range live {
					if got := readBack(t, h, h.records.rows[id]); !bytes.Equal(got, []byte(text)) {
						rt.Fatalf("%s holds %q, want %q", id, got, text)
					}
				}
			},
		})
	})
}

// failing is a line that is dead.
type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errors.New("the line is dead") }
