using Tessera.Framework.Data;

namespace Tessera.Tools.Doctor;

/// <summary>Samples spread over the data set, so that several classes are among them.</summary>
internal sealed class FirstSamples : Dataset
{
    private readonly Dataset _whole;
    private readonly int _count;

    public FirstSamples(Dataset whole, int count, IReadOnlyList<Transform> pipeline)
    {
        (_whole, _count) = (whole, Math.Min(count, whole.Count));
        Pipeline = pipeline;
    }

    public override int Count => _count;

    public override DataInfo Info => _whole.Info;

    public override Sample Get(int index) => _whole.Get(At(index));

    public override int? LabelOf(int index) => _whole.LabelOf(At(index));

    private int At(int index) => (int)((long)index * _whole.Count / _count);
}
