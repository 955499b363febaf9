import Testing

@testable import Control

@Suite("What serves, whatever a directory says")
struct ResourceStoreTests {
    @Test("a broken resource that served keeps its last good form and is stale; the others go live")
    func stale() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1\nservice two 1"])
        let state = store.apply(["a.yaml": "broken one\nservice two 2"])
        #expect(state.served == ["one=1", "two=2"])
        #expect(state.fates == ["one: stale"])
        #expect(state.troubled.first?.message == "a field is wrong")
        #expect(state.troubled.first?.location.description == "a.yaml:1")
        #expect(store.apply(["a.yaml": "service one 3\nservice two 2"]).fates.isEmpty)
    }

    @Test("a resource that was never good is left out")
    func leftOut() {
        var store = ResourceStore()
        let state = store.apply(["a.yaml": "broken one\nservice two 1"])
        #expect(state.served == ["two=1"])
        #expect(state.fates == ["one: left out"])
    }

    @Test("a file that does not parse keeps all that it last gave, and only that file")
    func unparsable() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1\nservice two 1", "b.yaml": "service three 1"])
        let state = store.apply(["a.yaml": "service one 2\ngarbage", "b.yaml": "service three 2"])
        #expect(state.served == ["one=1", "two=1", "three=2"])
        #expect(state.fates == ["one: stale", "two: stale"])
    }

    @Test("the readable part of a file that never parsed serves")
    func unparsableFromTheStart() {
        var store = ResourceStore()
        #expect(store.apply(["a.yaml": "service one 1\ngarbage"]).served == ["one=1"])
    }

    @Test("a deleted file deletes, and so does a document taken out of a file")
    func deletion() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1\nservice two 1", "b.yaml": "service three 1"])
        #expect(store.apply(["a.yaml": "service two 1"]).served == ["two=1"])
        // Gone is gone: a broken one of the same name finds no last good form.
        #expect(store.apply(["a.yaml": "service two 1", "b.yaml": "broken three"]).fates == ["three: left out"])
    }

    @Test("of two with the same name the first by path serves, and the error names both places")
    func duplicates() {
        var store = ResourceStore()
        let state = store.apply(["b.yaml": "service one B", "a.yaml": "\nservice one A"])
        #expect(state.served == ["one=A"])
        #expect(state.fates == ["one: duplicate"])
        #expect(
            state.diagnostics.map(\.description) == [
                "b.yaml:1: error: Service default/one: the same kind, namespace and name is at a.yaml:2, which serves"
                    + " (rename or delete one of the two)"
            ])
        #expect(store.apply(["b.yaml": "service one B"]).served == ["one=B"])
    }

    @Test("a resource that moves to another file and breaks there keeps its last good form")
    func movedAndBroken() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1"])
        #expect(store.apply(["b.yaml": "broken one"]).served == ["one=1"])
    }

    @Test("a good form elsewhere serves in place of a broken one")
    func brokenBesideGood() {
        var store = ResourceStore()
        let state = store.apply(["a.yaml": "broken one", "b.yaml": "service one B"])
        #expect(state.served == ["one=B"])
        #expect(state.fates == ["one: duplicate"])
    }

    @Test("what is missing from a directory that cannot be listed was not deleted")
    func incomplete() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1", "d/b.yaml": "service two 1"])
        let state = store.apply(["a.yaml": "service one 2"], isIncomplete: true)
        #expect(state.served == ["one=2", "two=1"])
        #expect(state.fates == ["two: stale"])
    }

    @Test("staleness lasts until the file is mended, however many looks are taken")
    func staleForLong() {
        var store = ResourceStore()
        _ = store.apply(["a.yaml": "service one 1"])
        for _ in 0..<5 { #expect(store.apply(["a.yaml": "garbage"]).served == ["one=1"]) }
        #expect(store.apply(["a.yaml": "broken one"]).served == ["one=1"])
        #expect(store.apply(["a.yaml": ""]).served.isEmpty)
    }
}
