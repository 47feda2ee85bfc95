package present

import (
	"container/list"
	"hash/maphash"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// cacheBytes bounds the formatted text in a cache, in bytes.
	cacheBytes = 16 << 20
	// entryCost is the approximate size of an entry without its blocks, in bytes.
	entryCost = 256
	// blockCost is the approximate size of a block without its text, in bytes.
	blockCost = 16
)

// cache has the formatted text of messages that were formatted lately, by their ids. It
// evicts those that were used least recently. A message whose text has changed is not
// found. The cache is in memory, so all of it is from the formatter of this process.
type cache struct {
	seed maphash.Seed

	// mu guards the following fields.
	mu    sync.Mutex
	byID  map[string]*list.Element // of *entry
	used  *list.List               // the most recently used one is in front
	bytes int                      // the size of all entries
}

// entry is one formatted message.
type entry struct {
	id   string
	text uint64         // the hash of the text
	html *protocol.HTML // nil: the text is too large with it
	size int
}

func newCache() *cache {
	return &cache{seed: maphash.MakeSeed(), byID: map[string]*list.Element{}, used: list.New()}
}

// get returns the formatted text of a message. The caller must not change it.
func (c *cache) get(id, text string) (html *protocol.HTML, ok bool) {
	hash := maphash.String(c.seed, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.byID[id]
	if at == nil || at.Value.(*entry).text != hash {
		return nil, false
	}
	c.used.MoveToFront(at)
	return at.Value.(*entry).html, true
}

// put adds the formatted text of a message, in place of that of an earlier text.
func (c *cache) put(id, text string, html *protocol.HTML) {
	e := &entry{id: id, text: maphash.String(c.seed, text), html: html, size: entryCost + len(id)}
	if html != nil {
		for _, block := range html.Blocks {
			e.size += blockCost + len(block)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.byID[id]; at != nil {
		c.removeLocked(at)
	}
	c.byID[id] = c.used.PushFront(e)
	for c.bytes += e.size; c.bytes > cacheBytes; {
		c.removeLocked(c.used.Back())
	}
}

func (c *cache) removeLocked(at *list.Element) {
	e := c.used.Remove(at).(*entry)
	delete(c.byID, e.id)
	c.bytes -= e.size
}
