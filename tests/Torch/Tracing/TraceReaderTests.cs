using System.Text;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Tracing;

public sealed class TraceReaderTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    private static string Node(
        long id,
        string name,
        long parent,
        long thread = 1,
        string values = "",
        string types = "",
        string shapes = "",
        string strides = ""
    ) =>
        $$"""

                {
                  "id": {{id}}, "name": "{{name}}", "ctrl_deps": {{parent}},
                  "inputs": {"values": [{{values}}], "shapes": [{{shapes}}], "types": [{{types}}], "strides": [{{strides}}]},
                  "outputs": {"values": [], "shapes": [], "types": [], "strides": []},
                  "attrs": [{"name": "rf_id", "type": "uint64", "value": 9},{"name": "tid", "type": "uint64", "value": {{thread}}},{"name": "op_schema", "type": "string", "value": "aten::x(Tensor self, str s=\"a\") -> Tensor"}]
                },
            """.Replace("\r", "", StringComparison.Ordinal);

    private List<string> Read(string text, long start = 0, bool strict = false)
    {
        File.WriteAllText(_path, text);
        using var file = File.OpenHandle(_path);
        var reader = new TraceReader(file, start, 1);
        var read = new List<string>();
        while (reader.Next(strict) is { } node)
            read.Add($"{node.Id} {node.Name} {reader.Parent}");
        return read;
    }

    [Fact]
    public void Nodes_OfThisThread_AreRead_BehindAHeaderGapsAndRests()
    {
        var nodes =
            Node(5, "aten::relu", 4)
            + Node(6, "aten::relu", 4, thread: 2)
            + Node(4, "[pytorch|profiler|execution_trace|thread]", 1)
            + Node(7, "aten::exp", 4);
        string[] expected = ["5 aten::relu 4", "7 aten::exp 4"];
        Assert.Equal(expected, Read("{\n  \"schema\": \"1\", \"nodes\": [" + nodes, strict: true));
        Assert.Equal(expected, Read(new string('\0', 200_000) + nodes, start: 3));
        Assert.Equal(expected, Read("1]}, \"attrs\": [{\"name\": 3}]\n    }," + nodes));
        Assert.Equal(expected, Read("\n    {\n      \"id\": 3, \"na" + nodes));
        Assert.Equal(expected, Read(nodes + nodes[..100]));
    }

    [Fact]
    public void LongNode_IsRead_AndTheNextFollows()
    {
        string Many(string item) => $"[{string.Join(',', Enumerable.Repeat(item, 4000))}]";
        var node = Node(
            5,
            "aten::view",
            4,
            values: Many("1"),
            types: $"\"GenericList{Many("Int")}\"",
            shapes: Many("[]"),
            strides: Many("[]")
        );
        var longer = node.Replace("rf_id", new string('x', 300_000), StringComparison.Ordinal);
        Assert.Equal(["5 aten::view 4", "6 aten::exp 4"], Read(longer + Node(6, "aten::exp", 4), strict: true));
    }

    [Theory]
    [InlineData("1", "\"Int\"", "", "[]")] // a list too short
    [InlineData("[1,2,0,3,4]", "\"Tensor(float)\"", "[3]", "[1]")] // no device
    [InlineData("1", "\"GenericList[Int\"", "[]", "[]")]
    [InlineData("\"much\"", "\"Double\"", "[]", "[]")]
    [InlineData("1.5", "\"Int\"", "[]", "[]")]
    public void WhatIsNoTrace_IsAnIOException_OrSkipped(string values, string types, string shapes, string strides)
    {
        var text = Node(5, "aten::relu", 4, values: values, types: types, shapes: shapes, strides: strides) + Node(7, "aten::exp", 4);
        Assert.Throws<IOException>(() => Read(text, strict: true));
        Assert.Equal(["7 aten::exp 4"], Read(text));
    }

    // Whatever is cut or changed, only an IOException says so.
    [Fact]
    public void DamagedText_NeverEscapesOtherwise()
    {
        var text = Encoding.UTF8.GetBytes(
            Node(
                5,
                "aten::relu",
                4,
                values: "[1,2,0,3,4,\"cpu\"],[1,2],\"inf\",true",
                types: "\"Tensor(float)\",\"GenericList[Int,Int]\",\"Double\",\"Bool\"",
                shapes: "[3],[[],[]],[],[]",
                strides: "[1],[[],[]],[],[]"
            ) + Node(7, "aten::exp", 4)
        );
        var random = new Random(5);
        for (var i = 0; i < 400; i++)
        {
            var damaged = text.ToArray();
            for (var k = random.Next(1, 4); k > 0; k--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(1, 128);
            try
            {
                Read(Encoding.UTF8.GetString(damaged), strict: i % 2 == 0);
            }
            catch (IOException)
            {
                Assert.Equal(0, i % 2);
            }
        }
    }

    [Theory]
    [InlineData("Int", "Int", "", 0)]
    [InlineData("Tensor(nullptr (uninitialized))", "Tensor", "nullptr (uninitialized)", 0)]
    [InlineData("GenericList[]", "GenericList", "", 0)]
    [InlineData("GenericList[Tensor(c10::complex<float>),None,Tuple[Int,GenericList[Bool]]]", "GenericList", "", 3)]
    public void Type_IsRead(string text, string kind, string detail, int items)
    {
        var type = TraceType.Parse(text);
        Assert.Equal((kind, detail, items), (type.Kind, type.Detail, type.Items.Count));
    }

    [Theory]
    [InlineData("GenericList[Int")]
    [InlineData("Tensor(float")]
    [InlineData("Int]")]
    [InlineData("Int,Int")]
    [InlineData("A[A[A[A[A[A[A[A[A[A[A[A[A[A[A[A[A[A[A]]]]]]]]]]]]]]]]]]")]
    public void Type_WrittenOtherwise_IsRefused(string text) => Assert.Throws<FormatException>(() => TraceType.Parse(text));

    [Fact]
    public void EveryScalarType_HasItsName()
    {
        ScalarType[] types =
        [
            ScalarType.Float16,
            ScalarType.BFloat16,
            ScalarType.Float32,
            ScalarType.Float64,
            ScalarType.Byte,
            ScalarType.Int8,
            ScalarType.Int16,
            ScalarType.Int32,
            ScalarType.Int64,
            ScalarType.Bool,
            ScalarType.ComplexFloat32,
            ScalarType.ComplexFloat64,
        ];
        foreach (var type in types)
        {
            using var tensor = zeros(2, dtype: type);
            var node = OperatorTrace.Record(() => tensor.detach().Dispose()).Outermost.Single();
            Assert.Equal(type, node.Inputs.Single().Tensors.Single().Type);
        }
    }
}
