namespace Tessera.Framework.Metrics.Detection;

/// <summary>Which of an image's detections or objects are of which class, in their order.</summary>
internal sealed class ByClass
{
    private readonly int[] _starts;
    private readonly int[] _members;

    public ByClass(ReadOnlySpan<int> labels, int classes)
    {
        (_starts, _members) = (new int[classes + 1], new int[labels.Length]);
        foreach (var label in labels)
            _starts[label + 1]++;
        for (var c = 0; c < classes; c++)
            _starts[c + 1] += _starts[c];
        var next = _starts.AsSpan(0, classes).ToArray();
        for (var i = 0; i < labels.Length; i++)
            _members[next[labels[i]]++] = i;
    }

    public Span<int> this[int label] => _members.AsSpan(_starts[label].._starts[label + 1]);

    /// <summary>Detections of a class, best first; equal scores keep their order.</summary>
    public Span<int> Falling(int label, double[] scores)
    {
        var members = this[label];
        for (var i = 1; i < members.Length; i++)
        {
            if (scores[members[i]] <= scores[members[i - 1]])
                continue;
            members.Sort((a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : a.CompareTo(b));
            break;
        }
        return members;
    }
}
