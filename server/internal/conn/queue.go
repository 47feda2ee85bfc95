package conn

import "slices"

// queue is the frames that are not written yet. It exists only while there are any.
// The connection's mutex guards it.
type queue struct {
	frames [][]byte
	off    int // bytes of frames[0] that are written
	busy   int // frames in the last chunk
	bytes  int // bytes that are not written

	flushes []flushWaiter
}

func (q *queue) push(frame []byte) {
	q.frames = append(q.frames, frame)
	q.bytes += len(frame)
}

// chunk gives the bytes to write next: the rest of the first frame, and as many whole
// frames after it as fit buf's capacity. They are valid until advance.
func (q *queue) chunk(buf []byte) []byte {
	first := q.frames[0][q.off:]
	q.busy = 1
	if len(q.frames) == 1 || len(first)+len(q.frames[1]) > cap(buf) {
		return first
	}
	buf = append(buf[:0], first...)
	for _, frame := range q.frames[1:] {
		if len(buf)+len(frame) > cap(buf) {
			break
		}
		buf = append(buf, frame...)
		q.busy++
	}
	return buf
}

// advance removes n bytes that were written.
func (q *queue) advance(n int) {
	q.bytes -= n
	q.off += n
	q.busy = 0
	q.notifyFlushed(n)
	done := 0
	for done < len(q.frames) && q.off >= len(q.frames[done]) {
		q.off -= len(q.frames[done])
		done++
	}
	q.frames = slices.Delete(q.frames, 0, done)
}

// truncate removes every frame of which nothing was written or is being written.
func (q *queue) truncate() {
	q.failFlushes()
	keep := q.busy
	if q.off > 0 {
		keep = max(keep, 1)
	}
	for _, frame := range q.frames[keep:] {
		q.bytes -= len(frame)
	}
	q.frames = slices.Delete(q.frames, keep, len(q.frames))
}
