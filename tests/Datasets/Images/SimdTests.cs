using System.Runtime.Intrinsics;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

public class SimdTests
{
    private static readonly RandomSource Random = new(13);

    [Fact]
    public void AddProducts_EqualsThePortableOneAndTheSum()
    {
        for (var round = 0; round < 1000; round++)
        {
            var (a, b) = (Shorts(), Shorts());
            var sums = Simd.AddProducts(Vector128.Create(a), Vector128.Create(b));
            Assert.Equal(sums, Simd.AddProductsPortable(Vector128.Create(a), Vector128.Create(b)));
            for (var i = 0; i < 4; i++)
                Assert.Equal(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1], sums[i]);
        }
    }

    [Fact]
    public void AddProducts_OfBytes_EqualsThePortableOneAndTheSum()
    {
        for (var round = 0; round < 1000; round++)
        {
            byte[] a = Bytes(255),
                b = Bytes(64);
            var sums = Simd.AddProducts(Vector128.Create(a), Vector128.Create(b));
            Assert.Equal(sums, Simd.AddProductsPortable(Vector128.Create(a), Vector128.Create(b)));
            for (var i = 0; i < 8; i++)
                Assert.Equal(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1], sums[i]);
        }
    }

    [Fact]
    public void ToBytes_EqualsThePortableOneAndCuts()
    {
        for (var round = 0; round < 1000; round++)
        {
            int[] values =
            [
                .. Enumerable.Range(0, 16).Select(_ => Random.Next(3) == 0 ? Random.Next(-100_000, 100_000) : Random.Next(-20, 280)),
            ];
            Vector128<int> a = Vector128.Create(values, 0),
                b = Vector128.Create(values, 4),
                c = Vector128.Create(values, 8),
                d = Vector128.Create(values, 12);
            var bytes = Simd.ToBytes(a, b, c, d);
            Assert.Equal(bytes, Simd.ToBytesPortable(a, b, c, d));
            for (var i = 0; i < 16; i++)
                Assert.Equal(Math.Clamp(values[i], 0, 255), bytes[i]);
        }
    }

    [Fact]
    public void LowBytes_PutsFourValuesSideBySide() => Assert.Equal(0xFF_80_01_00u, Simd.LowBytes(Vector128.Create(0, 1, 0x80, 0xFF)));

    // Without -32768: two products of it overflow 32 bits.
    private static short[] Shorts() => [.. Enumerable.Range(0, 8).Select(_ => (short)Random.Next(-short.MaxValue, short.MaxValue + 1))];

    private static byte[] Bytes(int largest) => [.. Enumerable.Range(0, 16).Select(_ => (byte)Random.Next(largest + 1))];
}
