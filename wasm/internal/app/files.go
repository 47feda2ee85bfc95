package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Files are uploaded as soon as they are attached, a few at a time; what fails for
// want of a connection is tried again. A message waits in the outbox for its files.
const (
	maxUploads  = 2
	uploadAgain = 2 * clock.Second // and twice as long each time, up to
	uploadLater = 30 * clock.Second
	seekAgain   = 15 * clock.Second
)

// tray is what is attached in the composer, with all that is known of files on
// their way to the gateway, wherever they belong.
type tray struct {
	files    []protocol.KeptFile
	uploads  map[string]*upload // by the files' keys
	pictures map[string]string  // of files that this page has uploaded, by path
	list     *view.Attachments
}

// upload is the way of one file.
type upload struct {
	_ incomparable

	held     bool            // this tab has the content
	homeless bool            // which does not outlast the tab
	busy     bool            // it is being sent
	done     bool            // the gateway has it, and its message is about to learn
	percent  int             // of it that is sent
	err      *protocol.Error // the gateway does not want it
	wait     clock.Duration
	until    clock.Time // when it is tried again
	sought   clock.Time // when others were last asked for it
}

func newTray(doc view.Document) tray {
	return tray{uploads: map[string]*upload{}, pictures: map[string]string{}, list: view.NewAttachments(doc)}
}

func (t *tray) upload(key string) *upload {
	u := t.uploads[key]
	if u == nil {
		u = &upload{}
		t.uploads[key] = u
	}
	return u
}

// attach takes files that the user has chosen, pasted or dropped.
func (c *chat) attach(files []protocol.KeptFile) {
	for i := range files {
		f := &files[i]
		problem := ""
		switch {
		case !c.mayWrite():
			return
		case c.shown.other != nil && c.shown.other.note:
			problem = "A note takes no files. Choose “Message” to send some."
		case len(c.tray.files) == protocol.MaxMedia:
			problem = "A message takes " + words.Number(protocol.MaxMedia) + " files at most: “" + f.Media.Filename + "” and what follows is left out."
		case f.Media.Size == 0:
			c.problem("“" + f.Media.Filename + "” is empty.")
			c.win.ForgetFile(f.Key)
			continue
		}
		if problem != "" {
			c.problem(problem)
			break
		}
		c.tray.files = append(c.tray.files, *f)
		c.hold(f.Key)
	}
	c.changeTray()
	c.uploadNext()
	view.Focus(c.doc, markup.IDComposerInput)
}

// hold notes that this tab has a file's content, and lets the browser keep it.
func (c *chat) hold(key string) {
	u := c.tray.upload(key)
	u.held = true
	c.win.KeepFile(key, func(ok bool) {
		c.do(func() {
			u.homeless = !ok
			c.need(partBody)
		})
	})
}

// changeTray keeps and shows what is attached now.
func (c *chat) changeTray() {
	c.drafts.edited = true
	c.keepDraft(c.draft())
	c.need(partForm)
}

// detach takes a file out of the composer.
func (c *chat) detach(key string) {
	for i := range c.tray.files {
		if f := c.tray.files[i]; f.Key == key {
			c.tray.files = append(c.tray.files[:i:i], c.tray.files[i+1:]...)
			c.discard(&f)
			break
		}
	}
	c.changeTray()
	c.uploadNext()
	view.Focus(c.doc, markup.IDComposerInput)
}

// discard lets go of a file that nobody will send.
func (c *chat) discard(f *protocol.KeptFile) {
	delete(c.tray.uploads, f.Key)
	c.win.ForgetFile(f.Key)
	if f.Media.Path != "" {
		c.win.Fetch("DELETE", f.Media.Path, "", func(int, string) {}) // else the gateway does, later
	}
}

// pending calls f with each file that the gateway does not have yet, those of
// messages first.
func (c *chat) pending(f func(*protocol.KeptFile)) {
	each := func(files []protocol.KeptFile) {
		for i := range files {
			if files[i].Media.Path == "" {
				f(&files[i])
			}
		}
	}
	for _, m := range c.post.box.All() {
		if m.Refused == nil && m.Ack == nil {
			each(m.Files)
		}
	}
	each(c.tray.files)
}

// needFiles has files on their way drawn anew, wherever they are.
func (c *chat) needFiles() {
	c.need(partForm)
	if c.post.box.Unsent() > 0 {
		c.need(partBody)
	}
}

// uploadNext begins to send what can be sent.
func (c *chat) uploadNext() {
	if c.over || !c.ready() {
		return
	}
	busy := 0
	for _, u := range c.tray.uploads {
		if u.busy {
			busy++
		}
	}
	now := clock.Now()
	c.pending(func(f *protocol.KeptFile) {
		u := c.tray.upload(f.Key)
		if busy < maxUploads && u.held && !u.busy && !u.done && u.err == nil && !now.Before(u.until) {
			busy++
			c.uploadFile(f.Key, u)
		}
	})
}

func (c *chat) uploadFile(key string, u *upload) {
	u.busy, u.percent, u.until = true, 0, clock.Time{}
	c.needFiles()
	c.win.Upload(key, protocol.MediaPath+"upload", func(percent int) {
		c.do(func() {
			u.percent = percent
			c.needFiles()
		})
	}, func(status int, text string) {
		c.do(func() {
			u.busy = false
			if c.tray.uploads[key] == u && !c.over {
				c.uploaded(key, u, status, text)
				c.uploadNext()
			}
		})
	})
}

// uploaded takes the gateway's answer to a file.
func (c *chat) uploaded(key string, u *upload, status int, text string) {
	c.needFiles()
	var r protocol.MediaUploadResult
	if status == 200 && jsontext.Read(jsontext.Raw(text), r.DecodeJSON) == nil && r.Path != "" {
		u.done = true
		c.tray.pictures[r.Path] = c.win.Picture(key)
		c.place(key, protocol.Media{
			Path: r.Path, Filename: r.Filename, MimeType: r.MimeType, Size: r.Size,
			Width: r.Width, Height: r.Height, Thumbnail: r.Thumbnail,
		})
		return
	}
	err := refusal(text)
	if status == 0 || status >= 500 || status == 429 {
		u.wait = min(max(2*u.wait, uploadAgain), uploadLater)
		if err != nil {
			u.wait = max(u.wait, clock.Duration(err.RetryAfterMs)*clock.Millisecond)
		}
		u.until = clock.Now().Add(u.wait)
		return
	}
	if err == nil {
		err = protocol.Refuse(protocol.Internal, "the upload was refused: HTTP "+decimal(int64(status)))
	}
	c.fileRefused(key, err)
}

// place writes down what the gateway calls a file, wherever the file is now.
func (c *chat) place(key string, media protocol.Media) {
	c.win.ForgetFile(key)
	found := false
	set := func(files []protocol.KeptFile) (changed bool) {
		for i := range files {
			if files[i].Key == key && files[i].Media.Path == "" {
				files[i].Media = media
				changed, found = true, true
			}
		}
		return changed
	}
	if set(c.tray.files) {
		c.keepDraft(c.draft())
	}
	for session, kept := range c.drafts.texts {
		if draft, files := readDraft(kept); session != c.shown.key && set(files) {
			c.keepDraftOf(session, writeDraft(draft, files))
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.post.box.All()...) {
		for i := range m.Files {
			if m.Files[i].Key == key {
				found = true
				c.post.fresh = false // another tab may have uploaded it too
				c.inTurn(func() {
					if set(m.Files) && c.post.box.Find(m.Key) == m {
						c.keepMessage(m)
					}
					if set(c.tray.files) { // it was taken back meanwhile
						c.changeTray()
					}
				})
			}
		}
	}
	if !found {
		c.discard(&protocol.KeptFile{Key: key, Media: media})
	}
}

// fileRefused tells that a file cannot be had or is not wanted, for its writer to
// decide.
func (c *chat) fileRefused(key string, err *protocol.Error) {
	c.tray.upload(key).err = err
	c.needFiles()
	for i := range c.tray.files {
		if f := &c.tray.files[i]; f.Key == key {
			view.Announce(c.doc, f.Media.Filename+" was not attached: "+sentence(err))
		}
	}
	for _, m := range c.post.box.All() {
		for i := range m.Files {
			if f := &m.Files[i]; f.Key == key && m.Refused == nil && m.Ack == nil && !m.Sending() {
				m.Refused = protocol.Refuse(err.Code, "“"+f.Media.Filename+"”: "+sentence(err))
				c.refusedMessage(m)
			}
		}
	}
}

// What is told of files' contents, by key: whether another tab has one.
const (
	nameWant = "want/"
	nameHave = "have/"
)

// seekFiles looks for the contents that this tab does not have: another tab may be
// about to upload them, or the browser has kept them.
func (c *chat) seekFiles() {
	now := clock.Now()
	c.pending(func(f *protocol.KeptFile) {
		key, u := f.Key, c.tray.upload(f.Key)
		if u.held || u.err != nil || !u.sought.IsZero() && now.Sub(u.sought) < seekAgain {
			return
		}
		u.sought = now
		asked := now
		c.keep.Tell(nameWant+key, key)
		clock.AfterFunc(helpAfter, func() {
			c.do(func() {
				if c.tray.uploads[key] == u && u.sought == asked && !c.over {
					c.takeUp(key, u)
				}
			})
		})
	})
}

// takeUp takes a file up that no other tab has.
func (c *chat) takeUp(key string, u *upload) {
	c.win.LoadFile(key, func(ok bool) {
		c.do(func() {
			switch {
			case c.over:
			case ok:
				u.held = true
				c.needFiles()
				c.uploadNext()
			default:
				c.fileRefused(key, protocol.Refuse(protocol.NotFound,
					"its upload was not finished, and this browser has not kept it. Attach it again."))
			}
		})
	})
}

// toldOfFile answers other tabs that look for a file, and hears their answers.
func (c *chat) toldOfFile(name, key string) {
	u := c.tray.uploads[key]
	switch {
	case u == nil:
	case name == nameWant+key && u.held:
		c.keep.Tell(nameHave+key, key)
	case name == nameHave+key && !u.held:
		u.sought = clock.Now() // and so not that one any more
	}
}

// retryFiles tries again at once, on a new connection or as somebody wishes.
func (c *chat) retryFiles() {
	for _, u := range c.tray.uploads {
		u.until, u.wait = clock.Time{}, 0
	}
	c.seekFiles()
	c.uploadNext()
}

// retryFile tries one again that the gateway had no room for.
func (c *chat) retryFile(key string) {
	c.tray.upload(key).err = nil
	c.retryFiles()
	c.needFiles()
}

// filesPaused reports whether a file waits to be tried again.
func (c *chat) filesPaused() bool {
	for _, u := range c.tray.uploads {
		if !u.until.IsZero() {
			return true
		}
	}
	return false
}

// attachments are what the composer shows.
func (c *chat) attachments() []view.Attachment {
	list := make([]view.Attachment, len(c.tray.files))
	for i := range c.tray.files {
		f := &c.tray.files[i]
		u := c.tray.upload(f.Key)
		a := view.Attachment{File: c.showFile(f.Key, &f.Media), Key: f.Key, State: markup.FileWaiting, Percent: u.percent}
		switch {
		case u.err != nil:
			a.State, a.Error = markup.FileFailed, sentence(u.err)
			if u.err.Retryable {
				a.State = markup.FileStuck
			}
		case f.Media.Path != "":
			a.State = markup.FileReady
		case u.busy && c.reached():
			a.State = markup.FileUploading
		}
		list[i] = a
	}
	return list
}

// showFile is a file as it is shown. One that this page has uploaded keeps the
// picture that it had, so that nothing is loaded again.
func (c *chat) showFile(key string, m *protocol.Media) view.File {
	f := view.File{Name: m.Filename, Size: words.Size(m.Size), Href: m.Path, Picture: c.tray.pictures[m.Path]}
	if m.Path == "" {
		f.Picture = c.win.Picture(key)
	} else if f.Picture == "" && m.Thumbnail {
		f.Picture = markup.ThumbnailPath(m.Path)
	}
	f.Width, f.Height = markup.PictureSize(m.Width, m.Height)
	return f
}

// showFiles are those of a message in the log.
func (c *chat) showFiles(media []protocol.Media) []view.File {
	list := make([]view.File, len(media))
	for i := range media {
		list[i] = c.showFile("", &media[i])
	}
	return list
}

// ownFiles are those of a message on its way, and how much of them has gone, in
// percent.
func (c *chat) ownFiles(m *client.Outgoing) (list []view.File, percent int) {
	total, sent := int64(1), int64(0)
	for i := range m.Files {
		f := &m.Files[i]
		list = append(list, c.showFile(f.Key, &f.Media))
		total += f.Media.Size
		if f.Media.Path != "" {
			sent += f.Media.Size
		} else if u := c.tray.uploads[f.Key]; u != nil {
			sent += f.Media.Size * int64(u.percent) / 100
		}
	}
	return list, int(sent * 100 / total)
}

// homelessFiles reports whether a message waits for a file that does not outlast
// the tab.
func (c *chat) homelessFiles() bool {
	homeless := false
	for _, m := range c.post.box.All() {
		for i := range m.Files {
			u := c.tray.uploads[m.Files[i].Key]
			homeless = homeless || u != nil && u.homeless && m.Files[i].Media.Path == "" && m.Refused == nil
		}
	}
	return homeless
}

// sameFiles reports whether the log's message has the files that were sent.
func sameFiles(sent []protocol.KeptFile, media []protocol.Media) bool {
	if len(sent) != len(media) {
		return false
	}
	for i := range sent {
		if sent[i].Media.Path != media[i].Path {
			return false
		}
	}
	return true
}

// fileNames are what a message is called that has no text.
func fileNames(files []protocol.KeptFile) string {
	names := ""
	for i := range files {
		if i > 0 {
			names += ", "
		}
		names += files[i].Media.Filename
	}
	return names
}
