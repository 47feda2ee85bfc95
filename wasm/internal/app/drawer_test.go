//go:build !js

package app

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// drawer is where a browser holds files. What is kept outlasts a page when another
// one shares it.
type drawer struct {
	mu       sync.Mutex
	held     map[string]bool // by this page
	kept     map[string]bool // past its end
	full     bool            // nothing can be kept
	uploads  []*sending
	forgot   []string
	accepted int
}

// sending is an upload that the test answers.
type sending struct {
	key      string
	progress func(int)
	done     func(int, string)
}

func newDrawer() *drawer {
	return &drawer{held: map[string]bool{}, kept: map[string]bool{}}
}

// beside is the drawer of another page of the same browser.
func (d *drawer) beside() *drawer {
	return &drawer{held: map[string]bool{}, kept: d.kept}
}

func (w *window) Upload(key, path string, progress func(int), done func(int, string)) {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	if path != "/api/media/upload" {
		panic(path)
	}
	w.files.uploads = append(w.files.uploads, &sending{key, progress, done})
}

func (w *window) KeepFile(key string, done func(bool)) {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	w.files.held[key] = true
	ok := !w.files.full
	if ok {
		w.files.kept[key] = true
	}
	go done(ok)
}

func (w *window) LoadFile(key string, done func(bool)) {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	go done(w.files.kept[key])
}

func (w *window) Picture(key string) string {
	if strings.HasPrefix(key, "pic") {
		return "blob:" + key
	}
	return ""
}

func (w *window) ForgetFile(key string) {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	delete(w.files.kept, key)
	w.files.forgot = append(w.files.forgot, key)
}

func (w *window) ClearFiles() { w.files.held = map[string]bool{} }

// next is the first upload that is not answered.
func (d *drawer) next() *sending {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.uploads) == 0 {
		return nil
	}
	s := d.uploads[0]
	d.uploads = d.uploads[1:]
	return s
}

// accept lets the gateway take what is being uploaded, and gives the keys.
func (s *scene) accept() string {
	s.t.Helper()
	var keys []string
	for u := s.win.files.next(); u != nil; u = s.win.files.next() {
		s.win.files.accepted++
		r := protocol.MediaUploadResult{Path: fmt.Sprint(protocol.MediaPath, u.key, s.win.files.accepted), MimeType: "text/plain", Filename: u.key + ".txt", Size: 5}
		if strings.HasPrefix(u.key, "pic") {
			r.MimeType, r.Filename, r.Width, r.Height, r.Thumbnail = "image/png", u.key+".png", 640, 480, true
		}
		u.done(200, string(r.AppendJSON(nil)))
		keys = append(keys, u.key)
		s.wait(50 * time.Millisecond)
	}
	return strings.Join(keys, " ")
}

// attach chooses files by their keys.
func (s *scene) attach(keys ...string) {
	s.t.Helper()
	var files []protocol.KeptFile
	for _, key := range keys {
		f := protocol.KeptFile{Key: key, Media: protocol.Media{Filename: key + ".txt", MimeType: "text/plain", Size: 5}}
		if strings.HasPrefix(key, "pic") {
			f.Media = protocol.Media{Filename: key + ".png", MimeType: "image/png", Size: 5, Width: 640, Height: 480}
		}
		if strings.HasPrefix(key, "empty") {
			f.Media.Size = 0
		}
		files = append(files, f)
	}
	s.app.Files(files)
	s.wait(50 * time.Millisecond)
}

// chips describes what is attached: name, state and what is said of it.
func (s *scene) chips() string {
	var list []string
	for _, el := range s.win.Get("attachments").Children() {
		text := func(slot string) string { return el.Find("data-slot", slot)[0].Text() }
		list = append(list, strings.TrimSpace(strings.Join([]string{text("filename"), el.Attr("data-state"), text("error")}, " ")))
	}
	return strings.Join(list, " | ")
}
