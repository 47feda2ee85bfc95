//go:build !js

package app

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// fakeFiles holds the files of one page. What is stored outlasts the page, and is shared
// with the fakeFiles that otherTab returns.
type fakeFiles struct {
	mu       sync.Mutex
	loaded   map[string]bool // keys of files whose content this page has
	stored   map[string]bool // keys of files that are stored
	full     bool            // nothing can be stored
	uploads  []*fakeUpload
	forgot   []string
	accepted int
}

// fakeUpload is an upload that the test answers.
type fakeUpload struct {
	key      string
	progress func(int)
	done     func(int, string)
}

func newFakeFiles() *fakeFiles {
	return &fakeFiles{loaded: map[string]bool{}, stored: map[string]bool{}}
}

// otherTab returns the files of another page of the same browser.
func (f *fakeFiles) otherTab() *fakeFiles {
	return &fakeFiles{loaded: map[string]bool{}, stored: f.stored}
}

// AttachText attaches a file whose key is its content.
func (fb *fakeBrowser) AttachText(name, text string) {
	if fb.attachText != nil {
		fb.attachText(name, text)
	}
}

func (fb *fakeBrowser) Upload(key, path string, progress func(int), done func(int, string)) {
	fb.files.mu.Lock()
	defer fb.files.mu.Unlock()
	if path != "/api/media/upload" {
		panic(path)
	}
	fb.files.uploads = append(fb.files.uploads, &fakeUpload{key, progress, done})
}

func (fb *fakeBrowser) StoreFile(key string, done func(bool)) {
	fb.files.mu.Lock()
	defer fb.files.mu.Unlock()
	fb.files.loaded[key] = true
	ok := !fb.files.full
	if ok {
		fb.files.stored[key] = true
	}
	go done(ok)
}

func (fb *fakeBrowser) LoadFile(key string, done func(bool)) {
	fb.files.mu.Lock()
	defer fb.files.mu.Unlock()
	go done(fb.files.stored[key])
}

func (fb *fakeBrowser) Picture(key string) string {
	if strings.HasPrefix(key, "pic") {
		return "blob:" + key
	}
	return ""
}

func (fb *fakeBrowser) ForgetFile(key string) {
	fb.files.mu.Lock()
	defer fb.files.mu.Unlock()
	delete(fb.files.stored, key)
	fb.files.forgot = append(fb.files.forgot, key)
}

func (fb *fakeBrowser) ClearFiles() { fb.files.loaded = map[string]bool{} }

// next returns the first upload that is not answered, or nil.
func (f *fakeFiles) next() *fakeUpload {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.uploads) == 0 {
		return nil
	}
	s := f.uploads[0]
	f.uploads = f.uploads[1:]
	return s
}

// acceptUploads has the gateway accept all uploads, and returns the keys of their files.
func (s *harness) acceptUploads() string {
	s.t.Helper()
	var keys []string
	for u := s.browser.files.next(); u != nil; u = s.browser.files.next() {
		s.browser.files.accepted++
		r := protocol.MediaUploadResult{Path: fmt.Sprint(protocol.MediaPath, u.key,
			s.browser.files.accepted), MimeType: "text/plain", Filename: u.key + ".txt", Size: 5}
		if strings.HasPrefix(u.key, "pic") {
			r.MimeType, r.Filename, r.Width, r.Height, r.Thumbnail = "image/png", u.key+".png", 640, 480,
				true
		}
		u.done(200, string(r.AppendJSON(nil)))
		keys = append(keys, u.key)
		s.wait(50 * time.Millisecond)
	}
	return strings.Join(keys, " ")
}

// attach has the user choose files, which are made by their keys.
func (s *harness) attach(keys ...string) {
	s.t.Helper()
	var files []protocol.Attachment
	for _, key := range keys {
		f := protocol.Attachment{Key: key, Media: protocol.Media{Filename: key + ".txt",
			MimeType: "text/plain", Size: 5}}
		if strings.HasPrefix(key, "pic") {
			f.Media = protocol.Media{Filename: key + ".png", MimeType: "image/png", Size: 5, Width: 640,
				Height: 480}
		}
		if strings.HasPrefix(key, "empty") {
			f.Media.Size = 0
		}
		files = append(files, f)
	}
	s.app.Files(files)
	s.wait(50 * time.Millisecond)
}

// attached describes the files in the composer: name, state and error of each.
func (s *harness) attached() string {
	var list []string
	for _, el := range s.browser.Get("attachments").Children() {
		text := func(slot string) string { return el.Find("data-slot", slot)[0].Text() }
		list = append(list, strings.TrimSpace(strings.Join([]string{text("filename"),
			el.Attr("data-state"), text("error")}, " ")))
	}
	return strings.Join(list, " | ")
}
