namespace Tessera.Models.Detection.Assigners;

/// <summary>Which anchors or places lie in boxes that nothing is asked of.</summary>
internal static class IgnoredAreas
{
    /// <summary>Marks those of which more than a part of their own area lies in one ignored box.</summary>
    /// <param name="assigned">For each anchor; <see cref="Assigner.Ignored"/> is written.</param>
    public static void Mark(BoxArray anchors, BoxArray ignored, double threshold, int[] assigned)
    {
        var shares = new float[anchors.Count];
        for (var box = 0; box < ignored.Count; box++)
        {
            anchors.Overlaps(ignored, box, shares, ofOwn: true);
            for (var i = 0; i < shares.Length; i++)
                if (shares[i] > threshold)
                    assigned[i] = Assigner.Ignored;
        }
    }
}
