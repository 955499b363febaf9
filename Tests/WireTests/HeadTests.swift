import Testing
import Wire

@Suite struct HeadTests {
    @Test("fields are found, set and removed by name")
    func fields() {
        let head = Head(storageCapacity: 16)
        head.appendField(.accept, value: head.append("a"))
        head.appendField(name: head.append("Accept"), value: head.append("b"), id: .accept)
        head.appendField(.via, value: head.append("c"))
        #expect(head.value(of: .accept).map { head.string($0) } == "a")
        head.setField(.accept, value: head.append("d"))
        #expect(head.value(of: .accept).map { head.string($0) } == "d")
        #expect(head.fields[1].isRemoved)
        head.removeAll(.accept)
        #expect(!head.has(.accept) && head.has(.via))
        head.appendField(.accept, value: head.append("e"))
        #expect(head.firstIndex(of: .accept) == 3)
    }

    @Test("fields are found and removed by any spelling")
    func spelling() {
        let head = Head()
        for name in ["X-One", "x-two", "X-ONE"] {
            head.appendField(name: head.append(name), value: head.append("v"), id: .other)
        }
        Array("x-one".utf8).withUnsafeBufferPointer { name in
            #expect(head.firstIndex(named: name) == 0)
            #expect(head.firstIndex(named: name, from: 1) == 2)
            head.removeAll(named: name)
            #expect(head.firstIndex(named: name) == nil)
        }
    }

    @Test("a full head takes no more fields and loses none")
    func full() {
        let head = Head()
        let value = head.append("v")
        for _ in 0..<Head.fieldCapacity { #expect(head.appendField(name: value, value: value, id: .via)) }
        #expect(!head.appendField(name: value, value: value, id: .via))
        #expect(head.fieldCount == Head.fieldCapacity && head.firstIndex(of: .via) == 0)
    }

    @Test("slices stay valid while the storage grows")
    func growth() {
        let head = Head(storageCapacity: 4)
        let slices = (0..<200).map { head.append("value \($0)") }
        for (index, slice) in slices.enumerated() { #expect(head.string(slice) == "value \(index)") }
        head.reset()
        #expect(head.storageUsed == 0)
    }
}
