using System.Collections;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Masks that are made when they are asked for, each once.</summary>
internal sealed class LateMasks(int count, Func<int, RunLengthMask> make) : IReadOnlyList<RunLengthMask>
{
    private readonly RunLengthMask?[] _made = new RunLengthMask?[count];

    public int Count => count;

    public RunLengthMask this[int index] => _made[index] ??= make(index);

    /// <summary>Of an image's objects; empty where an object has none that can be used.</summary>
    public static LateMasks Of(AnnotatedObject[] objects, int height, int width) =>
        new(
            objects.Length,
            i =>
                objects[i].Mask is { } mask && mask.Fault(height, width) is null && MaskJudgement.Apart(objects[i]) is null
                    ? mask.Rasterize(height, width)
                    : new RunLengthMask(Math.Max(1, height), Math.Max(1, width), [Math.Max(1, height) * Math.Max(1, width)])
        );

    public IEnumerator<RunLengthMask> GetEnumerator()
    {
        for (var i = 0; i < count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
