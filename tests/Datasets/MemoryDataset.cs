using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets;

/// <summary>Samples made by a function; counts how often each is read.</summary>
internal sealed class MemoryDataset(int count, Func<int, Sample> make, int classes = 10, DataInfo? info = null, bool hasLabels = true)
    : Dataset
{
    private readonly int[] _reads = new int[count];

    public MemoryDataset(int count)
        : this(count, index => Pixel(index, (byte)index, index % 10)) { }

    public override int Count => count;

    public override DataInfo Info { get; } =
        info ?? new([.. Enumerable.Range(0, classes).Select(i => $"class{i}")], DataTask.Classification);

    public int Reads => _reads.Sum();

    public int ReadsOf(int index) => Volatile.Read(ref _reads[index]);

    /// <summary>A 2 x 2 image of one gray value.</summary>
    public static Sample Pixel(int index, byte value, int? label) =>
        new()
        {
            Index = index,
            Name = $"sample-{index}",
            Image = new(new Image(2, 2, 1, PixelType.UInt8, [value, value, value, value])),
            Truth = { Label = label },
        };

    public override Sample Get(int index)
    {
        Interlocked.Increment(ref _reads[index]);
        return make(index);
    }

    public override int? LabelOf(int index) => hasLabels ? index % 10 : null;
}
