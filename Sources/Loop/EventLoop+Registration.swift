import CEventLoop

/// A place in the loop's table. epoll gives back `generation << 32 | index`; an event of an older generation is stale.
struct Slot {
    /// Retained. Nil when the slot is free.
    var handler: Unmanaged<EventHandler>?
    var generation: UInt32
    /// The next free slot, or -1.
    var nextFree: Int32
}

// MARK: - Registering

extension EventLoop {
    /// Watches `fd` edge-triggered for reading, writing and the peer's end, once for the descriptor's life. The loop holds
    /// the handler until `deregister`. False when the kernel refuses (no memory, too many watches).
    package func register(_ handler: EventHandler, fd: Int32) -> Bool {
        add(handler, fd: fd) { outrider_epoll_add_edge($0, $1, $2) }
    }

    /// Watches a listening socket level-triggered; when several loops share it, the kernel wakes at least one of them.
    package func listen(_ handler: EventHandler, fd: Int32) -> Bool {
        add(handler, fd: fd) { outrider_epoll_add_listener($0, $1, $2) }
    }

    /// Forgets a handler: its descriptor, its deadline and its place in the ready queue. Events of this batch that are
    /// still to come are dropped, and the loop's reference goes at the batch's end, so a handler may call it on itself.
    /// The descriptor stays open. `willClose` spares a system call when the caller closes the descriptor's last copy next.
    package func deregister(_ handler: EventHandler, willClose: Bool = false) {
        handler.isReadyQueued = false
        handler.isBatchEndQueued = false
        handler.deadline = .max
        if let entry = timers.remove(handler) { retired.append(entry) }
        let index = Int(handler.slot)
        guard index >= 0 else { return }
        if !willClose { _ = outrider_epoll_remove(epoll, handler.fd) }
        precondition(index < slotCapacity, "a handler is deregistered from the loop that it was registered with")
        guard let held = slots[index].handler else { return }
        retired.append(held)
        handler.slot = -1
        slots[index] = Slot(handler: nil, generation: slots[index].generation &+ 1, nextFree: freeSlot)
        freeSlot = Int32(index)
        registeredCount -= 1
    }

    /// Gives a registered descriptor to another handler, which hears its events from now on: a connection whose protocol was
    /// found out. The old handler is forgotten as by `deregister`. No event is lost: those of this batch go to the new one.
    package func transfer(from old: EventHandler, to new: EventHandler) {
        let index = Int(old.slot)
        precondition(index >= 0 && new.slot < 0, "a registered handler gives its descriptor to one that has none")
        guard let held = slots[index].handler else { return }
        retired.append(held)
        slots[index].handler = Unmanaged.passRetained(new)
        new.slot = old.slot
        new.fd = old.fd
        old.slot = -1
        old.fd = -1
        deregister(old)
    }

    private func add(_ handler: EventHandler, fd: Int32, _ control: (Int32, Int32, UInt64) -> Int32) -> Bool {
        precondition(handler.slot < 0, "a handler is registered once, with one loop")
        if freeSlot < 0 { grow() }
        let index = Int(freeSlot)
        let data = UInt64(slots[index].generation) << 32 | UInt64(index)
        guard control(epoll, fd, data) == 0 else { return false }
        freeSlot = slots[index].nextFree
        slots[index].handler = Unmanaged.passRetained(handler)
        handler.slot = Int32(index)
        handler.fd = fd
        registeredCount += 1
        return true
    }
}

// MARK: - The table

extension EventLoop {
    /// The handler that epoll's data stands for, or nil when it is gone or was never there.
    @inline(__always)
    func handler(for data: UInt64) -> Unmanaged<EventHandler>? {
        let index = Int(truncatingIfNeeded: data & 0xFFFF_FFFF)
        guard index < slotCapacity, slots[index].generation == UInt32(truncatingIfNeeded: data >> 32) else {
            return nil
        }
        return slots[index].handler
    }

    /// Makes the slots from `first` on free, the lowest number to be taken first.
    func linkFreeSlots(from first: Int) {
        for index in (first..<slotCapacity).reversed() {
            (slots + index).initialize(to: Slot(handler: nil, generation: 0, nextFree: freeSlot))
            freeSlot = Int32(index)
        }
    }

    @inline(never)
    private func grow() {
        precondition(slotCapacity < 1 << 30, "a process has fewer descriptors than that")
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: slotCapacity * 2)
        larger.moveInitialize(from: slots, count: slotCapacity)
        slots.deallocate()
        slots = larger
        let first = slotCapacity
        slotCapacity *= 2
        linkFreeSlots(from: first)
    }
}
