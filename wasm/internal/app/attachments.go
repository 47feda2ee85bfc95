package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// attachments are the files in the composer, and the uploads of all files: those in the
// composer, in drafts and in messages of the outbox.
type attachments struct {
	files   []protocol.Attachment // in the composer
	uploads map[string]*upload    // by file key
	// addresses of pictures that this page has uploaded, by path at the gateway
	pictures map[string]string
	view     *view.Attachments
}

func newAttachments(doc view.Document) attachments {
	return attachments{uploads: map[string]*upload{}, pictures: map[string]string{},
		view: view.NewAttachments(doc)}
}

// attach adds files that the user has chosen, pasted or dropped to the composer.
func (c *chat) attach(files []protocol.Attachment) {
	for i := range files {
		f := &files[i]
		problem := ""
		switch {
		case !c.mayWrite():
			return
		case c.shown.other != nil && c.shown.other.note:
			problem = "A note takes no files. Choose “Message” to send some."
		case len(c.attachments.files) == protocol.MaxMedia:
			problem = "A message takes at most " + words.Number(protocol.MaxMedia) + " files: “" +
				f.Media.Filename + "” and the files after it were not attached."
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
		c.textAttached(f)
	}
	c.attachmentsChanged()
	c.uploadNext()
	view.Focus(c.doc, markup.IDComposerInput)
}

// fileAdded notes that this tab has a file's content, and has the browser store it.
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

// attachmentsChanged stores and shows what is attached now.
func (c *chat) attachmentsChanged() {
	c.drafts.edited = true
	c.storeDraft(c.draft())
	c.redraw(partForm)
}

// detach removes a file from the composer.
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

// discard removes a file that will not be sent, also from the gateway.
func (c *chat) discard(f *protocol.Attachment) {
	delete(c.attachments.uploads, f.Key)
	c.browser.ForgetFile(f.Key)
	if f.Media.Path != "" {
		// if this fails, the gateway removes the file later
		c.browser.Fetch("DELETE", f.Media.Path, "", func(int, string) {})
	}
}

// attachmentViews returns the files in the composer as they are shown.
func (c *chat) attachmentViews() []view.Attachment {
	list := make([]view.Attachment, len(c.attachments.files))
	for i := range c.attachments.files {
		f := &c.attachments.files[i]
		u := c.attachments.upload(f.Key)
		a := view.Attachment{File: c.fileView(f.Key, &f.Media), Key: f.Key, State: markup.FileWaiting,
			Percent: u.percent}
		switch {
		case u.err != nil:
			a.State, a.Error = markup.FileFailed, errorText(u.err)
			if u.err.Retryable {
				a.State = markup.FileStuck
			}
		case f.Media.Path != "":
			a.State = markup.FileReady
		case u.sending && c.reachable():
			a.State = markup.FileUploading
		}
		list[i] = a
	}
	return list
}

// fileView returns a file as it is shown. A file that this page has uploaded keeps its
// picture, so that the browser does not load the picture again.
func (c *chat) fileView(key string, m *protocol.Media) view.File {
	f := view.File{Name: m.Filename, Size: words.Size(m.Size), NoText: m.NoText,
		Picture: c.attachments.pictures[m.Path]}
	if m.Path == "" {
		f.Picture = c.browser.Picture(key)
	} else {
		f.Href = c.link(m.Path)
		if f.Picture == "" && m.Thumbnail {
			f.Picture = c.link(markup.ThumbnailPath(m.Path))
		}
	}
	f.Width, f.Height = markup.PictureSize(m.Width, m.Height)
	return f
}

// fileViews returns the files of a message in the log as they are shown.
func (c *chat) fileViews(media []protocol.Media) []view.File {
	list := make([]view.File, len(media))
	for i := range media {
		list[i] = c.fileView("", &media[i])
	}
	return list
}

// outgoingFiles returns the files of a message in the outbox as they are shown, and how
// much of them is uploaded, in percent.
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

// filesUnstored reports whether a message in the outbox needs a file that does not
// outlast the tab.
func (c *chat) filesUnstored() bool {
	unstored := false
	for _, m := range c.outbox.messages.All() {
		for i := range m.Files {
			u := c.attachments.uploads[m.Files[i].Key]
			unstored = unstored || u != nil && u.unstored && m.Files[i].Media.Path == "" && m.Refused == nil
		}
	}
	return unstored
}

// sameFiles reports whether a message of the log has the files that were sent.
func sameFiles(sent []protocol.Attachment, media []protocol.Media) bool {
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

// fileNames returns the names of files, to describe a message without text.
func fileNames(files []protocol.Attachment) string {
	names := ""
	for i := range files {
		if i > 0 {
			names += ", "
		}
		names += files[i].Media.Filename
	}
	return names
}
