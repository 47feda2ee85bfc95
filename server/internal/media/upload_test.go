package media

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// webpText is a lossless WebP with one pixel.
const webpText = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

func zipOf(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestKinds(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for _, c := range []struct {
		name    string
		content []byte
		saved   string
		mime    string
		w, h    int
	}{
		{"a.png", pngOf(t, redBlueImage(30, 20)), "a.png", "image/png", 30, 20},
		{"holiday.JPEG", jpegOf(t, redBlueImage(30, 20)), "holiday.JPEG", "image/jpeg", 30, 20},
		{"a.gif", gifOf(t, redBlueImage(30, 20)), "a.gif", "image/gif", 30, 20},
		{"a.webp", []byte(webpText), "a.webp", "image/webp", 1, 1},
		{"a.pdf", []byte("%PDF-1.7\n"), "a.pdf", "application/pdf", 0, 0},
		{"a.zip", zipOf(t, "x", "y"), "a.zip", "application/zip", 0, 0},
		{"letter.docx", zipOf(t, "x", "y"), "letter.docx", "application/zip", 0, 0},
		{"empty.zip", zipOf(t, "x", "y")[:0:0], "", "", 0, 0},
		{"notes.txt", []byte("hello"), "notes.txt", "text/plain", 0, 0},
		{"README", []byte("hello"), "README", "text/plain", 0, 0},
		{"notes.md", []byte("# Zoë 😀"), "notes.md", "text/markdown", 0, 0},
		{"data.csv", []byte("a,b\n"), "data.csv", "text/csv", 0, 0},
		{"data.json", []byte("{}"), "data.json", "application/json", 0, 0},
		{"a.py", []byte("print('x')"), "a.py", "text/plain", 0, 0},
		{"a.js", []byte("alert(1)"), "a.js", "text/plain", 0, 0},
		{"a.html", []byte("<script>alert(1)</script>"), "a.html", "text/plain", 0, 0},
		{"a.svg", []byte("<svg onload='alert(1)'/>"), "a.svg", "text/plain", 0, 0},
		{"a.xml", []byte("\ufeff<a/>"), "a.xml", "text/plain", 0, 0},
		{"a.sh", []byte("#!/bin/sh\n"), "a.sh", "text/plain", 0, 0},
		{"Makefile", []byte("all:\n"), "Makefile", "text/plain", 0, 0},
		{"a.txt\u202elmth.", []byte("<script>"), "a.txtlmth", "text/plain", 0, 0},
		// The content decides, not the name.
		{"evil.html", pngOf(t, redBlueImage(3, 2)), "evil.html.png", "image/png", 3, 2},
		{"evil.svg", append(gifOf(t, redBlueImage(3, 2)), "<script>alert(1)</script>"...),
			"evil.svg.gif", "image/gif", 3, 2},
		{"evil.exe", zipOf(t, "x", "y"), "evil.exe.zip", "application/zip", 0, 0},
		{"", []byte("hello"), "file", "text/plain", 0, 0},
	} {
		f, err := h.upload(ann, c.name, c.content)
		if c.mime == "" {
			refused(t, err, protocol.InvalidRequest, "empty")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if f.Filename != c.saved || f.MimeType != c.mime || f.Width != c.w || f.Height != c.h ||
			f.Size != int64(len(c.content)) {
			t.Errorf("%s is %+v, want %+v", c.name, f, c)
		}
		if (f.Thumbnail != "") != f.Image() {
			t.Errorf("%s has the thumbnail %q", c.name, f.Thumbnail)
		}
		if got := readBack(t, h, f); !bytes.Equal(got, c.content) {
			t.Errorf("%s came back as %d other bytes", c.name, len(got))
		}
	}
	if names := readDir(t, filepath.Join(h.dir, tempDir)); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// readBack returns the content of a file.
func readBack(t *testing.T, h *testService, f File) []byte {
	t.Helper()
	r, err := h.Open(f)
	return content(t, r, err)
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	many := bytes.Repeat([]byte("a"), 1<<20+1)
	for _, c := range []struct {
		name    string
		content []byte
		of      error
		words   string
	}{
		{"a.exe", []byte("MZ\x00\x01"), ErrType, "accepted are png"},
		{"a.txt", []byte("MZ\x00\x01"), ErrType, "text in UTF-8"},
		{"a.txt", []byte("caf\xe9 au lait, in Latin-1, is not UTF-8"), ErrType, "text in UTF-8"},
		{"a.txt", []byte("\xff\xfea\x00"), ErrType, "UTF-16: save it as UTF-8"},
		{"a.txt", []byte("cut in the middle of a character: \xe2\x82"), ErrType, "text in UTF-8"},
		{"a.png", []byte("\x89PNG\r\n\x1a\nwhich it is not"), ErrType, "damaged"},
		{"a.jpg", []byte("\xff\xd8\xff"), ErrType, "damaged"},
		{"a.gif", []byte("GIF89a"), ErrType, "damaged"},
		{"a.webp", []byte("RIFF\x00\x00\x00\x00WEBP"), ErrType, "damaged"},
		{"wide.png", hugePNG(16385, 1), ErrTooLarge, "16385 × 1 pixels"},
		{"bomb.png", hugePNG(16000, 16000), ErrTooLarge, "16000 × 16000 pixels"},
		{"bomb.gif", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), ErrTooLarge,
			"65535 × 65535 pixels"},
		{"long.txt", many, ErrTooLarge, "larger than 1 MiB"},
	} {
		_, err := h.upload(ann, c.name, c.content)
		if !errors.Is(err, c.of) {
			t.Errorf("%s: %v, want one of %v", c.name, err, c.of)
		}
		refused(t, err, protocol.InvalidRequest, c.words)
	}
	empty(t, h)
	h.mustUpload(t, ann, "long.txt", many[1:])
}

// hugePNG returns a PNG whose header has that size, with a body of a few bytes.
func hugePNG(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []string{
		"IHDR" + string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)) +
			"\x08\x06\x00\x00\x00",
		"IDAT\x78\x9c", "IEND",
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(chunk)-4))
		b = append(b, chunk...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(chunk)))
	}
	return b
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	for sent, want := range map[string]string{
		"../../etc/passwd":                   "passwd",
		`C:\Users\ann\notes.txt`:             "notes.txt",
		"/etc/cron.d/x.txt":                  "x.txt",
		"..":                                 "file",
		".txt":                               "txt",
		"a\x00b\r\nc.txt":                    "ab c.txt",
		"photo\u202egnp.txt":                 "photognp.txt",
		"  a  .txt ":                         "a.txt",
		`<img src=x onerror="alert(1)">.txt`: "_img src=x onerror=_alert(1)__.txt",
		"a\tb.txt":                           "a b.txt",
		"日本語.txt":                            "日本語.txt",
		"bad\xff.txt":                        "bad.txt",
		"x.html":                             "x.html",
		"x.png":                              "x.png.txt",
		"README":                             "README",
		"x.PDF":                              "x.PDF.txt",
		"می\u200cخواهم 👩\u200d💻.py":          "می\u200cخواهم 👩\u200d💻.py",
		long + ".log":                        strings.Repeat("é", 88) + ".log",
		"report.final.txt":                   "report.final.txt",
		"CON|PRN?.txt":                       "CON_PRN_.txt",
		"zero\u200bwidth.txt":                "zerowidth.txt",
		"line\u2028separator\u2029.txt":      "line separator.txt",
	} {
		got := saveName(baseName(sent), plainText)
		if got != want {
			t.Errorf("%q is saved as %q, want %q", sent, got, want)
		}
		if len(got) > maxName {
			t.Errorf("%q has %d bytes", got, len(got))
		}
	}
}

func TestReadingFails(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	broken := errors.New("the line is dead")
	for _, r := range []io.Reader{
		iotest.ErrReader(broken),
		io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken)),
		io.MultiReader(strings.NewReader(strings.Repeat("some more", 9999)),
			iotest.ErrReader(broken)),
	} {
		_, err := h.Upload(t.Context(), ann,
			func() (string, io.Reader, error) { return "a.txt", r, nil })
		if !errors.Is(err, broken) {
			t.Errorf("%v, want the error of reading", err)
		}
	}
	if _, err := h.Upload(t.Context(), ann,
		func() (string, io.Reader, error) { return "", nil, broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want the error of next", err)
	}
	empty(t, h)
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.records.fail = errors.New("no")
	if _, err := h.upload(ann, "a.png", pngOf(t, redBlueImage(9, 9))); !errors.Is(
		err, h.records.fail) {
		t.Errorf("%v, want the error of the store", err)
	}
	empty(t, h)
}

func TestDiskFails(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	if err := os.RemoveAll(filepath.Join(h.dir, tempDir)); err != nil {
		t.Fatal(err)
	}
	_, err := h.upload(ann, "a.txt", []byte("hello"))
	refused(t, err, protocol.Unavailable, "was not stored")
	full := unwritable(&os.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC})
	refused(t, full, protocol.Unavailable, "disk is full")
	var e *protocol.Error
	if errors.As(full, &e); strings.Contains(e.Message, "secret") {
		t.Errorf("the sender gets %q", e.Message)
	}
	// If the folder of the blob cannot be created, the record is freed.
	h = newTestService(t)
	f := h.mustUpload(t, ann, "a.txt", []byte("hello"))
	shard := filepath.Join(h.dir, filepath.Dir(f.Sum.name()))
	if err := errors.Join(os.RemoveAll(shard), os.WriteFile(shard, nil, 0o600),
		h.Delete(t.Context(), ann, f.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = h.upload(ann, "a.txt", []byte("hello"))
	refused(t, err, protocol.Unavailable, "was not stored")
	if used, _ := h.records.Used("ann"); used != 0 {
		t.Errorf("ann uses %d bytes", used)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.settings = Settings{MaxBytes: 100, Quota: 250}
	two := []File{}
	for range 2 {
		two = append(two, h.mustUpload(t, ann, "a.txt", bytes.Repeat([]byte("x"), 100)))
	}
	_, err := h.upload(ann, "a.txt", bytes.Repeat([]byte("x"), 51))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want one of %v", err, ErrTooLarge)
	}
	refused(t, err, protocol.ResourceExhausted, "exceed your limit of 250 bytes")
	h.mustUpload(t, ben, "a.txt", bytes.Repeat([]byte("x"), 100))
	if err := h.Delete(t.Context(), ann, two[0].ID); err != nil {
		t.Fatal(err)
	}
	h.mustUpload(t, ann, "a.txt", bytes.Repeat([]byte("x"), 100))
	h.mustUpload(t, ann, "a.txt", bytes.Repeat([]byte("x"), 50))
	// If the quota is used up, Upload refuses before it reads anything.
	_, err = h.Upload(t.Context(), ann,
		func() (string, io.Reader, error) {
			t.Error("the content was read")
			return "", nil, io.EOF
		})
	refused(t, err, protocol.ResourceExhausted, "exceed your limit")
}

func TestMaxUploads(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	wait := func() (string, io.Reader, error) {
		begun <- struct{}{}
		<-goOn
		return "a.txt", strings.NewReader("hello"), nil
	}
	for range maxUserUploads {
		go func() { _, err := h.Upload(context.Background(), ann, wait); done <- err }()
		<-begun
	}
	_, err := h.upload(ann, "a.txt", []byte("hello"))
	refused(t, err, protocol.ResourceExhausted, "already uploading 4 files")
	h.mustUpload(t, ben, "a.txt", []byte("hello"))
	close(goOn)
	for range maxUserUploads {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	h.mustUpload(t, ann, "a.txt", []byte("hello"))
	if len(h.uploads) > 0 || h.total != 0 {
		t.Errorf("%d uploads of %v are counted", h.total, h.uploads)
	}
}

func TestTextCheck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "aé€😀z": true, "\xff": false, "a\x00": false,
		"é\xc3": false, "\xc3(": false,
		"\xed\xa0\x80": false, "\xf0\x9f\x98": false, "ok\xe2\x82\xac": true, "\x80": false} {
		for cut := 0; cut <= len(text); cut++ {
			for second := cut; second <= len(text); second++ {
				var c textCheck
				for _, piece := range []string{text[:cut], text[cut:second], text[second:]} {
					_, _ = c.Write([]byte(piece))
				}
				if c.ok() != want {
					t.Errorf("%q cut at %d and %d is taken as text: %v", text, cut, second, !want)
				}
			}
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add("a.txt", []byte("hello"))
	f.Add("a.svg", []byte("<svg/>"))
	f.Add("a.png", hugePNG(3, 3))
	f.Add("a.webp", []byte(webpText))
	f.Add("a.jpg",
		[]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"))
	h := newTestService(f)
	h.settings = Settings{MaxBytes: 4096, Quota: 1 << 40}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		got, err := h.upload(ann, name, text)
		if err != nil {
			var refused *protocol.Error
			if !errors.As(err, &refused) || refused.Code == protocol.Unavailable {
				t.Fatalf("%q: %v", name, err)
			}
			return
		}
		if got.Size != int64(len(text)) || got.Filename == "" ||
			strings.ContainsAny(got.Filename, "/\\<>\x00\n") ||
			!extensionFits(got.Filename, kindOf(got.MimeType)) {
			t.Fatalf("%q became %+v", name, got)
		}
	})
}

// zeros is an endless text.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// The memory that an upload needs does not grow with its size. The test is not parallel,
// since it counts all allocations.
func TestUploadMemory(t *testing.T) {
	h := newTestService(t)
	h.settings = Settings{MaxBytes: 64 << 20, Quota: 1 << 30}
	allocated := func(size int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := h.Upload(t.Context(), ann,
			func() (string, io.Reader, error) {
				return "a.txt", io.LimitReader(zeros{}, size), nil
			})
		if err != nil || f.Size != size {
			t.Fatalf("%+v, %v", f, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1 << 10)
	small, large := allocated(1<<20), allocated(64<<20)
	t.Logf("1 MiB allocates %d KiB, 64 MiB %d KiB", small>>10, large>>10)
	if large > 1<<20 {
		t.Errorf("64 MiB allocate %d bytes", large)
	}
}
