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

// collect runs Collect and returns the number of removed files.
func (h *testService) collect(t testing.TB, before time.Time) int {
	t.Helper()
	n, err := h.Collect(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// attach attaches a file to a session, as chat.send does.
func (h *testService) attach(f File, session int64, owner string) {
	f.SessionID, f.SessionUser = session, owner
	h.records.rows[f.ID] = f
}

func TestCollect(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent, unused, twin := h.mustUpload(t, ann, "a.txt", []byte("same")), h.mustUpload(t, ann,
		"b.txt", []byte("other")), h.mustUpload(t, ben, "c.txt", []byte("same"))
	h.attach(sent, 1, "ann")
	h.attach(twin, 2, "ben")
	if n := h.collect(t, time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("%d new files were collected", n)
	}
	if n := h.collect(t, time.Now().Add(time.Hour)); n != 1 {
		t.Errorf("%d orphans were collected, want 1", n)
	}
	if _, err := h.Find(t.Context(), ann, unused.ID); err == nil {
		t.Error("the orphan is still there")
	}
	// Two records share a blob, which is removed with the second.
	for i, f := range []File{sent, twin} {
		if got := readBack(t, h, f); string(got) != "same" {
			t.Errorf("the content is %q", got)
		}
		_ = h.records.Free(f.ID) // as the deletion of its session does
		if n := h.collect(t, time.Now()); n != 1 {
			t.Errorf("collected %d", n)
		}
		if left := len(h.files(t)); left != 1-i {
			t.Errorf("%d blobs are left", left)
		}
	}
	empty(t, h)
}

// The process may crash between any two steps of an upload and of a removal.
func TestCrashes(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	f := h.mustUpload(t, ann, "a.png", pngOf(t, redBlueImage(9, 9)))
	// A record whose blob was not renamed yet, or was removed already.
	if err := os.RemoveAll(filepath.Join(h.dir, filepath.Dir(f.Sum.name()))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(f); err == nil {
		t.Error("a file without a blob was opened")
	}
	if n := h.collect(t, time.Now().Add(time.Hour)); n != 1 {
		t.Errorf("collected %d", n)
	}
	empty(t, h)
	// A file that was being written.
	if err := os.WriteFile(filepath.Join(h.dir, tempDir, "x"), []byte("half"), 0o600); err != nil {
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
	// A damaged blob is replaced by the next upload of the same content.
	f = h.mustUpload(t, ann, "a.txt", []byte("hello"))
	if err := os.Truncate(filepath.Join(h.dir, f.Sum.name()), 0); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, h,
		h.mustUpload(t, ben, "a.txt", []byte("hello"))); string(got) != "hello" {
		t.Errorf("the content is %q", got)
	}
}

// Only the owner can read the folders and files.
func TestModes(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	f := h.mustUpload(t, ann, "a.png", pngOf(t, redBlueImage(9, 9)))
	for name, want := range map[string]os.FileMode{tempDir: 0o700,
		filepath.Dir(f.Sum.name()): 0o700, f.Sum.name(): 0o600, f.Sum.thumbnail(): 0o600} {
		info, err := os.Stat(filepath.Join(h.dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	f := h.mustUpload(t, ann, "a.txt", []byte("hello"))
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
	refused(t, h.Delete(t.Context(), ann, f.ID), protocol.FailedPrecondition,
		"a message has this file")
}

// After any sequence of uploads, removals and collections, every record has its blob, and
// there is no other blob.
func TestRandomSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newTestService(t)
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
				f := h.mustUpload(t, ann, "a.txt", []byte(text))
				live[f.ID] = text
				ids = append(ids, f.ID)
			},
			"broken upload": func(rt *rapid.T) {
				_, _ = h.Upload(t.Context(), ann, func() (string, io.Reader, error) {
					return "a.txt", io.MultiReader(strings.NewReader("one"), &failingReader{}), nil
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
				if files := h.files(t); len(files) != len(contents) ||
					len(h.records.rows) != len(live) {
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

// failingReader is a connection that fails.
type failingReader struct{}

func (*failingReader) Read([]byte) (int, error) { return 0, errors.New("the connection is dead") }
