using CsCheck;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>What holds for every checkpoint: any state comes back bit for bit, and a file of which a byte has changed is refused; a failure
/// is shrunk, and its seed is in the message.</summary>
public sealed class CheckpointPropertyTests : IDisposable
{
    private static readonly ScalarType[] s_types =
    [
        ScalarType.Float32,
        ScalarType.Float64,
        ScalarType.Float16,
        ScalarType.BFloat16,
        ScalarType.Int64,
        ScalarType.Int32,
        ScalarType.Byte,
        ScalarType.Bool,
    ];

    private static readonly Gen<(string Name, ScalarType Type, long[] Shape, int Seed)> s_tensor = Gen.Select(
        Gen.String[Gen.Char["abcä .\"\\\n/{é界"], 1, 6],
        Gen.Int[0, s_types.Length - 1],
        Gen.Long[0, 4].Array[0, 4],
        Gen.Int[0, 1000],
        (name, type, shape, seed) => (name, s_types[type], shape, seed)
    );

    private static readonly Gen<(string Name, ScalarType Type, long[] Shape, int Seed)[]> s_state = s_tensor
        .Array[0, 6]
        .Select(tensors => tensors.DistinctBy(tensor => tensor.Name, StringComparer.Ordinal).ToArray());

    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void AnyState_ComesBackBitForBit() =>
        s_state.Sample(
            tensors =>
            {
                using var scope = NewDisposeScope();
                var made = tensors.ToDictionary(tensor => tensor.Name, Make, StringComparer.Ordinal);
                using var checkpoint = Checkpoint.Open(Save(made));
                var state = checkpoint.ReadState().Under("some");
                Assert.Equal(made.Keys.Order(StringComparer.Ordinal), state.TensorNames.Order(StringComparer.Ordinal));
                foreach (var (name, written) in made)
                {
                    var read = state.Tensor(name)!;
                    Assert.Equal((written.dtype, string.Join('x', written.shape)), (read.dtype, string.Join('x', read.shape)));
                    Assert.True(Bytes(written).SequenceEqual(Bytes(read)), name);
                }
            },
            iter: 100,
            threads: 1
        );

    [Fact]
    public void OneOtherByte_IsRefused() =>
        Gen.Select(s_state, Gen.Double[0, 1], Gen.Int[1, 255])
            .Sample(
                (tensors, place, change) =>
                {
                    using var scope = NewDisposeScope();
                    var path = Save(tensors.ToDictionary(tensor => tensor.Name, Make, StringComparer.Ordinal));
                    var bytes = File.ReadAllBytes(path);
                    bytes[(int)Math.Min(place * bytes.Length, bytes.Length - 1)] ^= (byte)change;
                    File.WriteAllBytes(path, bytes);
                    Assert.Throws<UserErrorException>(() => Checkpoint.Open(path).Dispose());
                },
                iter: 200,
                threads: 1
            );

    private string Save(Dictionary<string, Tensor> tensors)
    {
        var state = new StateWriter();
        foreach (var (name, tensor) in tensors)
            state.Under("some").Write(name, tensor);
        return new CheckpointStore(_folder.Path).Save("epoch_1", state, CheckpointStoreTests.Info(_model));
    }

    private static Tensor Make((string Name, ScalarType Type, long[] Shape, int Seed) from)
    {
        var random = new Random(from.Seed);
        var values = new float[from.Shape.Aggregate(1L, (count, side) => count * side)];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.Next(0, 200) / 8f;
        return tensor(values, from.Shape).to(from.Type);
    }

    private static byte[] Bytes(Tensor tensor) => tensor.numel() == 0 ? [] : tensor.contiguous().bytes.ToArray();
}
