namespace Tessera.Framework.Metrics.Detection;

/// <summary>What a metric of boxes has gathered over its images, and takes from another process.</summary>
internal interface IGathers
{
    void Write(BinaryWriter writer);

    /// <summary>Adds what another process gathered.</summary>
    void Read(BinaryReader reader);
}

/// <summary>The state of a metric of boxes: counts of its truth, then what each of its measures gathered.</summary>
internal static class DetectionState
{
    public static byte[] Save(TruthCounts truth, params ReadOnlySpan<IGathers> measures)
    {
        IGathers[] all = [.. measures];
        return MetricState.Write(writer =>
        {
            truth.Write(writer);
            foreach (var measure in all)
                measure.Write(writer);
        });
    }

    public static void Merge(ReadOnlySpan<byte> saved, TruthCounts truth, params ReadOnlySpan<IGathers> measures)
    {
        IGathers[] all = [.. measures];
        MetricState.Read(
            saved,
            reader =>
            {
                truth.Read(reader);
                foreach (var measure in all)
                    measure.Read(reader);
            }
        );
    }
}
