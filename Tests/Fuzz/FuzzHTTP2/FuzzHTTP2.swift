import Glibc
import HTTP2
import Wire

/// libFuzzer's loop. SwiftPM renames a program's `main`, so that libFuzzer's own is never linked and is called from ours.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafeRawPointer, Int) -> CInt
) -> CInt

@main
private enum Program {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments, fuzzHTTP2))
    }
}

private let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
nonisolated(unsafe) private let pools = HTTP2Pools(buffers: BufferPool())
nonisolated(unsafe) private let out = Buffer(capacity: 1 << 17)
nonisolated(unsafe) private var head = Head()
nonisolated(unsafe) private let answer = Head()

/// A client's bytes behind its preface, in pieces of a size that the first byte says: every request is answered, and the books
/// balance. Recorded connections, which begin with the preface, are taken as they are.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    serve(UnsafeRawBufferPointer(start: start, count: count))
    precondition(pools.buffers.bytesOut == 0, "a session that is gone holds no buffer")
    return 0
}

private func serve(_ input: UnsafeRawBufferPointer) {
    let session = HTTP2Session(role: .server, settings: HTTP2Settings(), pools: pools, now: 0)
    answer.reset()
    answer.status = 200
    _ = session.receive(
        UnsafeRawBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount), now: 0)
    turn(session)
    let isRecorded = input.starts(
        with: UnsafeRawBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount))
    let step = isRecorded ? 1024 : 1 + Int(input[0]) * 16
    var offset = isRecorded ? preface.utf8CodeUnitCount : 1
    while offset < input.count, session.fault == nil {
        // A copy of its own, so that the sanitiser sees a read past its end.
        let end = min(offset + step, input.count)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: end - offset, alignment: 1)
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[offset..<end]))
        _ = session.receive(UnsafeRawBufferPointer(bytes), now: UInt64(offset))
        turn(session)
        bytes.deallocate()
        offset = end
    }
    precondition(session.heldBytes == 0, "everything was given back")
}

private func turn(_ session: HTTP2Session) {
    drain(session)
    var more = true
    while more {
        more = session.write(to: out)
        out.consume(out.count)
    }
    drain(session)
}

private func drain(_ session: HTTP2Session) {
    while let event = session.next() {
        switch event {
        case .head(let stream, _, _):
            session.swapHead(&head)
            check(head)
            session.submitResponse(stream, answer, end: false)
            _ = session.submitData(stream, UnsafeRawBufferPointer(start: preface.utf8Start, count: 24), end: true)
        case .trailers: session.swapHead(&head)
        case .data(let stream, let bytes, _):
            precondition(!bytes.isEmpty, "a part of a body is never empty")
            var sum: UInt8 = 0
            for byte in bytes { sum &+= byte }
            session.consumed(stream, bytes.count)
        case .headersTooLarge(let stream): session.reset(stream, .enhanceYourCalm)
        default: break
        }
    }
}

private func check(_ head: Head) {
    precondition(!head.methodSlice.isEmpty && !head.authority.isEmpty && head.isHTTP2, "a request is whole")
    precondition(head.path.isEmpty == (head.method == .connect && head.connectProtocol.isEmpty), "it has a path")
    precondition(!head.has(.host) && !head.has(.transferEncoding) && !head.has(.connection), "nothing of HTTP/1")
    precondition(ByteClass.all(head.bytes(head.path), are: ByteClass.target), "a path has no blanks")
    for index in 0..<head.fieldCount {
        let field = head.fields[index]
        precondition(field.value.end <= head.storageUsed, "values lie in the storage")
        precondition(ByteClass.all(head.bytes(field.name), are: ByteClass.token), "names are tokens")
        precondition(ByteClass.all(head.bytes(field.value), are: ByteClass.value), "values end no line")
    }
}
