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
	maxUploads     = 2
	minUploadDelay = 2 * clock.Second // and twice as long each time, up to
	maxUploadDelay = 30 * clock.Second
	seekInterval   = 15 * clock.Second
)

// tray is what is attached in the composer, with all that is known of files on
// their way to the gateway, wherever they belong.
type attachments struct {
	files    []protocol.KeptFile
	uploads  map[string]*upload // by the files' keys
	pictures map[string]string  // of files that this page has uploaded, by path
	view     *view.Attachments
}

// upload is the way of one file.
type upload struct {
	hasContent bool            // this tab has the content
	unstored   bool            // which does not outlast the tab
	sending    bool            // it is being sent
	accepted   bool            // the gateway has it, and its message is about to learn
	percent    int             // of it that is sent
	err        *protocol.Error // the gateway does not want it
	retryDelay clock.Duration
	retryAt    clock.Time // when it is tried again
	askedTabs  clock.Time // when others were last asked for it
}

func newAttachments(doc view.Document) attachments {
	return attachments{uploads: map[string]*upload{}, pictures: map[string]string{}, view: view.NewAttachments(doc)}
}

func (t *attachments) upload(key string) *upload {
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
		case len(c.attachments.files) == protocol.MaxMedia:
			problem = "A message takes " + words.Number(protocol.MaxMedia) + " files at most: “" + f.Media.Filename + "” and what follows is left out."
		case f.Media.Size == 0:
			c.problem("“" + f.Media.Filename + "” is empty.")
			c.browser.ForgetFile(f.Key)
			continue
		}
		if problem != "" {
			c.problem(problem)
			break
		}
		c.attachments.files = append(c.attachments.files, *f)
		c.fileAdded(f.Key)
	}
	c.attachmentsChanged()
	c.uploadNext()
	view.Focus(c.doc, markup.IDComposerInput)
}

// hold notes that this tab has a file's content, and lets the browser keep it.
func (c *chat) fileAdded(key string) {
	u := c.attachments.upload(key)
	u.hasContent = true
	c.browser.StoreFile(key, func(ok bool) {
		c.do(func() {
			u.unstored = !ok
			c.redraw(partBody)
		})
	})
}

// changeTray keeps and shows what is attached now.
func (c *chat) attachmentsChanged() {
	c.drafts.edited = true
	c.storeDraft(c.draft())
	c.redraw(partForm)
}

// detach takes a file out of the composer.
func (c *chat) detach(key string) {
	for i := range c.attachments.files {
		if f := c.attachments.files[i]; f.Key == key {
			c.attachments.files = append(c.attachments.files[:i:i], c.attachments.files[i+1:]...)
			c.discard(&f)
			break
		}
	}
	c.attachmentsChanged()
	c.uploadNext()
	view.Focus(c.doc, markup.IDComposerInput)
}

// discard lets go of a file that nobody will send.
func (c *chat) discard(f *protocol.KeptFile) {
	delete(c.attachments.uploads, f.Key)
	c.browser.ForgetFile(f.Key)
	if f.Media.Path != "" {
		c.browser.Fetch("DELETE", f.Media.Path, "", func(int, string) {}) // else the gateway does, later
	}
}

// pending calls f with each file that the gateway does not have yet, those of
// messages first.
func (c *chat) eachUnuploaded(f func(*protocol.KeptFile)) {
	each := func(files []protocol.KeptFile) {
		for i := range files {
			if files[i].Media.Path == "" {
				f(&files[i])
			}
		}
	}
	for _, m := range c.outbox.messages.All() {
		if m.Refused == nil && m.Ack == nil {
			each(m.Files)
		}
	}
	each(c.attachments.files)
}

// needFiles has files on their way drawn anew, wherever they are.
func (c *chat) redrawFiles() {
	c.redraw(partForm)
	if c.outbox.messages.Unsent() > 0 {
		c.redraw(partBody)
	}
}

// uploadNext begins to send what can be sent.
func (c *chat) uploadNext() {
	if c.ended || !c.ready() {
		return
	}
	busy := 0
	for _, u := range c.attachments.uploads {
		if u.sending {
			busy++
		}
	}
	now := clock.Now()
	c.eachUnuploaded(func(f *protocol.KeptFile) {
		u := c.attachments.upload(f.Key)
		if busy < maxUploads && u.hasContent && !u.sending && !u.accepted && u.err == nil && !now.Before(u.retryAt) {
			busy++
			c.uploadFile(f.Key, u)
		}
	})
}

func (c *chat) uploadFile(key string, u *upload) {
	u.sending, u.percent, u.retryAt = true, 0, clock.Time{}
	c.redrawFiles()
	c.browser.Upload(key, protocol.MediaPath+"upload", func(percent int) {
		c.do(func() {
			u.percent = percent
			c.redrawFiles()
		})
	}, func(status int, text string) {
		c.do(func() {
			u.sending = false
			if c.attachments.uploads[key] == u && !c.ended {
				c.uploaded(key, u, status, text)
				c.uploadNext()
			}
		})
	})
}

// uploaded takes the gateway's answer to a file.
func (c *chat) uploaded(key string, u *upload, status int, text string) {
	c.redrawFiles()
	var r protocol.MediaUploadResult
	if status == 200 && jsontext.Read(jsontext.Raw(text), r.DecodeJSON) == nil && r.Path != "" {
		u.accepted = true
		c.attachments.pictures[r.Path] = c.browser.Picture(key)
		c.setMedia(key, protocol.Media{
			Path: r.Path, Filename: r.Filename, MimeType: r.MimeType, Size: r.Size,
			Width: r.Width, Height: r.Height, Thumbnail: r.Thumbnail,
		})
		return
	}
	err := parseError(text)
	if status == 0 || status >= 500 || status == 429 {
		u.retryDelay = min(max(2*u.retryDelay, minUploadDelay), maxUploadDelay)
		if err != nil {
			u.retryDelay = max(u.retryDelay, clock.Duration(err.RetryAfterMs)*clock.Millisecond)
		}
		u.retryAt = clock.Now().Add(u.retryDelay)
		return
	}
	if err == nil {
		err = protocol.Refuse(protocol.Internal, "the upload was refused: HTTP "+decimal(int64(status)))
	}
	c.fileFailed(key, err)
}

// place writes down what the gateway calls a file, wherever the file is now.
func (c *chat) setMedia(key string, media protocol.Media) {
	c.browser.ForgetFile(key)
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
	if set(c.attachments.files) {
		c.storeDraft(c.draft())
	}
	for session, kept := range c.drafts.texts {
		if draft, files := decodeDraft(kept); session != c.shown.key && set(files) {
			c.storeDraftOf(session, encodeDraft(draft, files))
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.outbox.messages.All()...) {
		for i := range m.Files {
			if m.Files[i].Key == key {
				found = true
				c.outbox.current = false // another tab may have uploaded it too
				c.withLock(func() {
					if set(m.Files) && c.outbox.messages.Find(m.Key) == m {
						c.storeMessage(m)
					}
					if set(c.attachments.files) { // it was taken back meanwhile
						c.attachmentsChanged()
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
func (c *chat) fileFailed(key string, err *protocol.Error) {
	c.attachments.upload(key).err = err
	c.redrawFiles()
	for i := range c.attachments.files {
		if f := &c.attachments.files[i]; f.Key == key {
			view.Announce(c.doc, f.Media.Filename+" was not attached: "+errorText(err))
		}
	}
	for _, m := range c.outbox.messages.All() {
		for i := range m.Files {
			if f := &m.Files[i]; f.Key == key && m.Refused == nil && m.Ack == nil && !m.Sending() {
				m.Refused = protocol.Refuse(err.Code, "“"+f.Media.Filename+"”: "+errorText(err))
				c.messageRefused(m)
			}
		}
	}
}

// What is told of files' contents, by key: whether another tab has one.
const (
	wantPrefix = "want/"
	havePrefix = "have/"
)

// seekFiles looks for the contents that this tab does not have: another tab may be
// about to upload them, or the browser has kept them.
func (c *chat) seekFiles() {
	now := clock.Now()
	c.eachUnuploaded(func(f *protocol.KeptFile) {
		key, u := f.Key, c.attachments.upload(f.Key)
		if u.hasContent || u.err != nil || !u.askedTabs.IsZero() && now.Sub(u.askedTabs) < seekInterval {
			return
		}
		u.askedTabs = now
		asked := now
		c.storage.Broadcast(wantPrefix+key, key)
		clock.AfterFunc(otherTabDelay, func() {
			c.do(func() {
				if c.attachments.uploads[key] == u && u.askedTabs == asked && !c.ended {
					c.loadFile(key, u)
				}
			})
		})
	})
}

// takeUp takes a file up that no other tab has.
func (c *chat) loadFile(key string, u *upload) {
	c.browser.LoadFile(key, func(ok bool) {
		c.do(func() {
			switch {
			case c.ended:
			case ok:
				u.hasContent = true
				c.redrawFiles()
				c.uploadNext()
			default:
				c.fileFailed(key, protocol.Refuse(protocol.NotFound,
					"its upload was not finished, and this browser has not kept it. Attach it again."))
			}
		})
	})
}

// toldOfFile answers other tabs that look for a file, and hears their answers.
func (c *chat) fileMessage(name, key string) {
	u := c.attachments.uploads[key]
	switch {
	case u == nil:
	case name == wantPrefix+key && u.hasContent:
		c.storage.Broadcast(havePrefix+key, key)
	case name == havePrefix+key && !u.hasContent:
		u.askedTabs = clock.Now() // and so not that one any more
	}
}

// retryFiles tries again at once, on a new connection or as somebody wishes.
func (c *chat) retryFiles() {
	for _, u := range c.attachments.uploads {
		u.retryAt, u.retryDelay = clock.Time{}, 0
	}
	c.seekFiles()
	c.uploadNext()
}

// retryFile tries one again that the gateway had no room for.
func (c *chat) retryFile(key string) {
	c.attachments.upload(key).err = nil
	c.retryFiles()
	c.redrawFiles()
}

// filesPaused reports whether a file waits to be tried again.
func (c *chat) uploadsPaused() bool {
	for _, u := range c.attachments.uploads {
		if !u.retryAt.IsZero() {
			return true
		}
	}
	return false
}

// attachments are what the composer shows.
func (c *chat) attachmentViews() []view.Attachment {
	list := make([]view.Attachment, len(c.attachments.files))
	for i := range c.attachments.files {
		f := &c.attachments.files[i]
		u := c.attachments.upload(f.Key)
		a := view.Attachment{File: c.fileView(f.Key, &f.Media), Key: f.Key, State: markup.FileWaiting, Percent: u.percent}
		switch {
		case u.err != nil:
			a.State, a.Error = markup.FileFailed, errorText(u.err)
			if u.err.Retryable {
				a.State = markup.FileStuck
			}
		case f.Media.Path != "":
			a.State = markup.FileReady
		case u.sending && c.reached():
			a.State = markup.FileUploading
		}
		list[i] = a
	}
	return list
}

// showFile is a file as it is shown. One that this page has uploaded keeps the
// picture that it had, so that nothing is loaded again.
func (c *chat) fileView(key string, m *protocol.Media) view.File {
	f := view.File{Name: m.Filename, Size: words.Size(m.Size), Href: m.Path, Picture: c.attachments.pictures[m.Path]}
	if m.Path == "" {
		f.Picture = c.browser.Picture(key)
	} else if f.Picture == "" && m.Thumbnail {
		f.Picture = markup.ThumbnailPath(m.Path)
	}
	f.Width, f.Height = markup.PictureSize(m.Width, m.Height)
	return f
}

// showFiles are those of a message in the log.
func (c *chat) fileViews(media []protocol.Media) []view.File {
	list := make([]view.File, len(media))
	for i := range media {
		list[i] = c.fileView("", &media[i])
	}
	return list
}

// ownFiles are those of a message on its way, and how much of them has gone, in
// percent.
func (c *chat) outgoingFiles(m *client.Outgoing) (list []view.File, percent int) {
	total, sent := int64(1), int64(0)
	for i := range m.Files {
		f := &m.Files[i]
		list = append(list, c.fileView(f.Key, &f.Media))
		total += f.Media.Size
		if f.Media.Path != "" {
			sent += f.Media.Size
		} else if u := c.attachments.uploads[f.Key]; u != nil {
			sent += f.Media.Size * int64(u.percent) / 100
		}
	}
	return list, int(sent * 100 / total)
}

// homelessFiles reports whether a message waits for a file that does not outlast
// the tab.
func (c *chat) filesUnstored() bool {
	homeless := false
	for _, m := range c.outbox.messages.All() {
		for i := range m.Files {
			u := c.attachments.uploads[m.Files[i].Key]
			homeless = homeless || u != nil && u.unstored && m.Files[i].Media.Path == "" && m.Refused == nil
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
