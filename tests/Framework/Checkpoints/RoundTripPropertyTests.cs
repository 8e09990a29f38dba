using CsCheck;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.PyTorch;
using Tessera.Framework.Checkpoints.Safetensors;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Tensors of any names, shapes and types come back from a file as they were; a failure is shrunk, and its seed is in the
/// message.</summary>
public sealed class RoundTripPropertyTests
{
    private const string Letters = "abzAZ019._-/ \"\\'{}äλ中\t";

    /// <summary>What PyTorch has no storage for.</summary>
    private static readonly ElementType[] s_neverInPyTorch =
    [
        ElementType.UInt16,
        ElementType.UInt32,
        ElementType.UInt64,
        ElementType.Float8E4M3,
        ElementType.Float8E5M2,
        ElementType.Float8E8M0,
    ];

    [Fact]
    public void Safetensors_AnyTensors_ComeBack() =>
        s_tensors.Sample(
            tensors =>
                AssertSame(
                    tensors,
                    [ElementType.Complex128],
                    (stream, sources) => SafetensorsWriter.Write(stream, sources, new Dictionary<string, string>())
                ),
            iter: 200,
            threads: 1
        );

    [Fact]
    public void PyTorch_AnyTensors_ComeBack() =>
        Tensors(s_neverInPyTorch)
            .Sample(
                tensors => AssertSame(tensors, (stream, sources) => PyTorchWriter.Write(stream, sources, ["cat", "dog"])),
                iter: 200,
                threads: 1
            );

    private static Gen<(string Name, ElementType Type, int[] Shape, int Seed)[]> Tensors(params ElementType[] never) =>
        Gen.Select(
            Gen.Int[0, Letters.Length - 1].Array[1, 12].Select(letters => string.Concat(letters.Select(at => Letters[at]))),
            Gen.OneOfConst([.. Enum.GetValues<ElementType>().Except(never)]),
            Gen.Int[0, 3].Array[0, 4],
            Gen.Int[0, 1000]
        ).Array[1, 8];

    private static void AssertSame((string Name, ElementType Type, int[] Shape, int Seed)[] tensors, Action<Stream, WeightSource[]> write)
    {
        WeightSource[] sources =
        [
            .. from tensor in tensors.DistinctBy(tensor => tensor.Name)
            let info = new WeightInfo(tensor.Name, tensor.Type, [.. tensor.Shape.Select(size => (long)size)])
            select new WeightSource(info, stream => stream.Write(Bytes(info, tensor.Seed))),
        ];
        using var folder = new TemporaryFolder();
        var path = folder.At("weights");
        using (var stream = File.Create(path))
            write(stream, sources);

        using var file = WeightsFile.Open(path);
        Assert.Equal(sources.Select(source => source.Info.Name).ToHashSet(), file.Tensors.Keys.ToHashSet());
        foreach (var (info, writeTo) in sources)
        {
            Assert.Equal((info.Type, info.Bytes), (file.Tensors[info.Name].Type, file.Tensors[info.Name].Bytes));
            Assert.Equal(info.Shape, file.Tensors[info.Name].Shape);
            using var expected = new MemoryStream();
            writeTo(expected);
            Assert.Equal(expected.ToArray(), file.ReadBytes(info.Name));
        }
    }

    private static byte[] Bytes(WeightInfo info, int seed)
    {
        var bytes = new byte[info.Bytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
