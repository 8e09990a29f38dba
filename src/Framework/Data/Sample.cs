namespace Tessera.Framework.Data;

/// <summary>One example on its way through the pipeline: where it comes from, its image, what is known of it, and what was done to
/// it.</summary>
public sealed class Sample
{
    /// <summary>Position in the data set.</summary>
    public required long Index { get; set; }

    /// <summary>What a person finds it by: a path, or "archive.zip:entry".</summary>
    public required string Name { get; init; }

    /// <summary>The image's id in its annotation file; unset: one more than <see cref="Index"/>.</summary>
    public long? ImageId { get; set; }

    /// <summary>The data set that it comes from, for steps that mix in further samples. <see cref="Dataset.Open"/> sets it.</summary>
    public Dataset? Source { get; set; }

    /// <summary>The sample is read for training: a step that shrinks the image may have it decoded at a reduced size.
    /// <see cref="Dataset.Open"/> sets it.</summary>
    public bool Training { get; set; }

    /// <summary>Reads the image's file, undecoded: the loading step decides how to decode it. null where the data set draws or stores its
    /// pixels.</summary>
    public Func<ReadOnlyMemory<byte>>? ReadFile { get; init; }

    /// <summary>The file of the segmentation map, for the step that loads it.</summary>
    public SegmentationFile? SegmentationFile { get; init; }

    /// <summary>The file of the panoptic map, for the step that loads it.</summary>
    public PanopticFile? PanopticFile { get; init; }

    /// <summary>null until a loading step has set it.</summary>
    public SampleImage? Image { get; set; }

    /// <summary>What is known of it.</summary>
    public GroundTruth Truth { get; init; } = new();

    /// <summary>What was done to the image. Set once it is loaded.</summary>
    public Geometry? Geometry { get; set; }
}

/// <summary>The file of a sample's segmentation map, unread.</summary>
/// <param name="Name">What a person finds it by, or would.</param>
/// <param name="Read">Reads it, undecoded; null where there is none.</param>
/// <param name="Table">What its values mean; null where they are class indices already.</param>
public sealed record SegmentationFile(string Name, Func<ReadOnlyMemory<byte>>? Read, LabelTable? Table = null);

/// <summary>The file of a sample's panoptic map, unread: a PNG whose colours are ids, red + 256 green + 65,536 blue; 0 is no
/// segment.</summary>
/// <param name="Name">What a person finds it by.</param>
/// <param name="Read">Reads it, undecoded.</param>
/// <param name="Segments">Each with its id.</param>
public sealed record PanopticFile(string Name, Func<ReadOnlyMemory<byte>> Read, IReadOnlyList<PanopticSegment> Segments);
