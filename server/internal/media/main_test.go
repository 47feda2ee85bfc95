package media

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

var (
	ann  = session.Caller{UserID: "ann", Role: protocol.Operator}
	ben  = session.Caller{UserID: "ben", Role: protocol.Operator}
	root = session.Caller{UserID: "root", Role: protocol.Admin}
)

// memoryStore is a Store in memory. Package storetest tests the real one.
type memoryStore struct {
	// mu guards the following fields.
	mu    sync.Mutex
	rows  map[string]File
	freed map[string]bool
	fail  error // the error of Update, if set
}

func newMemoryStore() *memoryStore {
	return &memoryStore{rows: map[string]File{}, freed: map[string]bool{}}
}

func (r *memoryStore) Update(_ context.Context, fn func(Tx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	rows, freed := maps.Clone(r.rows), maps.Clone(r.freed)
	err := fn(r)
	if err != nil {
		r.rows, r.freed = rows, freed
	}
	return err
}

func (r *memoryStore) View(_ context.Context, fn func(Tx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fn(r)
}

func (r *memoryStore) Insert(f File) error { r.rows[f.ID] = f; return nil }

func (r *memoryStore) File(id string) (File, error) {
	f, ok := r.rows[id]
	if !ok || r.freed[id] {
		return File{}, store.ErrNotFound
	}
	return f, nil
}

func (r *memoryStore) Used(userID string) (bytes int64, err error) {
	for id, f := range r.rows {
		if f.UserID == userID && !r.freed[id] {
			bytes += f.Size
		}
	}
	return bytes, nil
}

func (r *memoryStore) Free(id string) error { r.freed[id] = true; return nil }

func (r *memoryStore) FreeOrphans(before time.Time, limit int) (n int, err error) {
	for id, f := range r.rows {
		if n < limit && !r.freed[id] && f.SessionID == 0 && f.CreatedAt.Before(before) {
			r.freed[id] = true
			n++
		}
	}
	return n, nil
}

func (r *memoryStore) Freed(limit int) (files []File, err error) {
	for id, f := range r.rows {
		if r.freed[id] && len(files) < limit {
			files = append(files, f)
		}
	}
	return files, nil
}

func (r *memoryStore) InUse(sum Sum) (bool, error) {
	for id, f := range r.rows {
		if f.Sum == sum && !r.freed[id] {
			return true, nil
		}
	}
	return false, nil
}

func (r *memoryStore) Remove(id string) error { delete(r.rows, id); return nil }

// testService is a Service in a temporary directory.
type testService struct {
	*Service
	records  *memoryStore
	dir      string
	settings Settings
}

func newTestService(t testing.TB) *testService {
	t.Helper()
	h := &testService{records: newMemoryStore(), dir: t.TempDir(),
		settings: Settings{MaxBytes: 1 << 20, Quota: 4 << 20}}
	s, err := New(h.dir, retrytest.Twice[Tx](h.records), func() Settings { return h.settings })
	if err != nil {
		t.Fatal(err)
	}
	h.Service = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// upload uploads a file.
func (h *testService) upload(who session.Caller, name string, content []byte) (File, error) {
	return h.Upload(context.Background(), who,
		func() (string, io.Reader, error) { return name, bytes.NewReader(content), nil })
}

func (h *testService) mustUpload(t testing.TB, who session.Caller, name string,
	content []byte) File {
	t.Helper()
	f, err := h.upload(who, name, content)
	if err != nil {
		t.Fatalf("upload of %s: %v", name, err)
	}
	return f
}

// content reads what Open or OpenThumbnail has returned.
func content(t testing.TB, r io.ReadSeekCloser, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return text
}

// files lists the files on disk.
func (h *testService) files(t testing.TB) (names []string) {
	t.Helper()
	if err := filepath.WalkDir(h.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err = filepath.Rel(h.dir, name)
		names = append(names, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// redBlueImage returns an image whose left half is red and whose right half is blue.
func redBlueImage(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// refused fails unless err is a refusal with that code and its message contains the
// words.
func refused(t testing.TB, err error, code protocol.Code, words string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("%v, want %s …%s…", err, code, words)
	}
}

// empty fails unless there are no files and no records.
func empty(t testing.TB, h *testService) {
	t.Helper()
	if names := h.files(t); len(names) > 0 || len(h.records.rows) > 0 {
		t.Errorf("there are %v and %d records, want nothing", names, len(h.records.rows))
	}
}

func readDir(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}
