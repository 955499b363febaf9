import Glibc
import HTTP1
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
        exit(runFuzzer(&count, &arguments, fuzzChunked))
    }
}

nonisolated(unsafe) private let trailers = Head()

/// Any bytes are a chunked body, the start of one, or none; and the pieces that they arrive in change nothing. The first byte of
/// the input chooses the pieces' size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunked(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let input = Array(UnsafeRawBufferPointer(start: start + 1, count: count - 1))
    let step = 1 + Int(start.load(as: UInt8.self)) & 15
    let whole = read(input, step: max(1, input.count))
    let pieces = read(input, step: step)
    precondition(whole.content == pieces.content, "content does not depend on pieces")
    precondition(whole.ended == pieces.ended && whole.failed == pieces.failed, "nor does the outcome")
    precondition(!whole.ended || whole.consumed == pieces.consumed, "nor where the body ends")
    return 0
}

private struct Reading {
    var content: [UInt8] = []
    var consumed = 0
    var ended = false
    var failed = false
}

private func read(_ input: [UInt8], step: Int) -> Reading {
    var reading = Reading()
    var reader = ChunkedReader()
    var offered = 0
    while true {
        // A copy of its own, so that the sanitiser sees a read past its end.
        let waiting = Array(input[reading.consumed..<offered])
        switch waiting.withUnsafeBytes({ reader.next($0, trailers: trailers) }) {
        case .data(let range, let consumed):
            precondition(
                !range.isEmpty && range.upperBound <= consumed && consumed <= waiting.count, "content lies in the bytes"
            )
            reading.content += waiting[range]
            reading.consumed += consumed
        case .needMore(let consumed):
            precondition(consumed <= waiting.count, "only offered bytes are consumed")
            reading.consumed += consumed
            let kept = max(Limits.chunkLineBytesMax, Limits.trailerBytesMax)
            precondition(offered - reading.consumed <= kept, "what waits is bounded")
            if offered == input.count { return reading }
            offered = min(input.count, offered + step)
        case .end(let consumed):
            reading.consumed += consumed
            reading.ended = true
            checkTrailers()
            return reading
        case .failure:
            reading.failed = true
            return reading
        }
    }
}

private func checkTrailers() {
    precondition(
        !trailers.has(.contentLength) && !trailers.has(.transferEncoding) && !trailers.has(.host),
        "trailers do not frame")
    let out = Buffer(capacity: 1 << 16)
    precondition(HeadWriter.lastChunk(trailers: trailers, to: out), "there is room for trailers")
    var reader = ChunkedReader()
    let again = Head()
    precondition(reader.next(out.readable, trailers: again) == .end(consumed: out.count), "what is written can be read")
}
