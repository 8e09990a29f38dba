using System.Numerics;

namespace Tessera.Framework.Data;

/// <summary>Boxes of one image.</summary>
/// <param name="Corners">[N * 4], x1, y1, x2, y2 in pixels of the image as it is now.</param>
/// <param name="Labels">[N], indices into the class names.</param>
/// <param name="Ignored">[N], crowd or difficult: neither a target nor a mistake.</param>
public sealed record Boxes(float[] Corners, int[] Labels, bool[] Ignored)
{
    public int Count => Labels.Length;
}

/// <summary>How an image came to be what it is, so that predictions can be mapped back.</summary>
/// <param name="OriginalHeight">Pixels, as the file has them (after EXIF orientation).</param>
/// <param name="OriginalWidth">Pixels.</param>
/// <param name="Transform">Maps a point of the original image (x, y, pixel corners at integers) to the present one.</param>
public sealed record Geometry(int OriginalHeight, int OriginalWidth, Matrix3x2 Transform)
{
    /// <summary>Padding at the present image's (left, top, right, bottom), in pixels.</summary>
    public (int Left, int Top, int Right, int Bottom) Padding { get; init; }

    /// <summary>Whether left and right were exchanged, an odd number of times.</summary>
    public bool FlippedHorizontally { get; init; }

    public bool FlippedVertically { get; init; }

    public Geometry Then(Matrix3x2 step) => this with { Transform = Transform * step };
}

/// <summary>One example on its way through the pipeline: an image, what its annotation says, and what was done to it.</summary>
public sealed class Sample
{
    /// <summary>Position in the data set.</summary>
    public required long Index { get; set; }

    /// <summary>The data set that it comes from, for steps that mix in further samples. <see cref="Dataset.Open"/> sets it.</summary>
    public Dataset? Source { get; set; }

    /// <summary>What a person finds it by: a path, or "archive.zip:entry".</summary>
    public required string Name { get; init; }

    private Image? _image;
    private EncodedImage? _encoded;
    private Normalization? _normalization;

    /// <summary>
    /// The image; null until a loading step has read it. Reading the property decodes a pending image at full size and
    /// applies a pending normalisation.
    /// </summary>
    public Image? Image
    {
        get
        {
            Decode(1);
            if (_image is not null && _normalization is not null)
                (_image, _normalization) = (_normalization.Apply(_image), null);
            return _image;
        }
        set => (_image, _encoded, _normalization) = (value, null, null);
    }

    /// <summary>Rows and columns of the image, without decoding it; null before a loading step.</summary>
    public (int Height, int Width)? ImageSize =>
        _image is not null ? (_image.Height, _image.Width)
        : _encoded is not null ? (_encoded.Height, _encoded.Width)
        : null;

    /// <summary>The sample is read for training: a step that shrinks the image may decode it at a reduced size. The loader sets
    /// it.</summary>
    public bool Training { get; set; }

    /// <summary>The pixels are not decoded yet.</summary>
    public bool IsEncoded => _encoded is not null;

    /// <summary>The image while its pixels are not decoded; null afterwards.</summary>
    public EncodedImage? Encoded => _encoded;

    /// <summary>Sets an image whose pixels will be decoded when a step first needs them.</summary>
    public void SetEncoded(EncodedImage image) => (_image, _encoded, _normalization) = (null, image, null);

    /// <summary>
    /// The image for a step that shrinks it: in training, where the pixels are not decoded yet, at the smallest reduced
    /// size that is at least <paramref name="scale"/> of the full one; otherwise as it is. Its pixels stand for an image of
    /// <see cref="ImageSize"/> as it was before the call.
    /// </summary>
    /// <param name="scale">The fraction of the image's pixels, along an axis, that the step will keep.</param>
    public Image ImageAtLeast(double scale)
    {
        Decode(Denominator(scale));
        return Image ?? throw new InvalidOperationException("No step has loaded the image.");
    }

    /// <summary>The largest 1, 2, 4 or 8 by which the decoder may divide the sides of an image that a step will shrink; 1 in
    /// evaluation.</summary>
    /// <param name="scale">The fraction of the image's pixels, along an axis, that the step will keep.</param>
    public int Denominator(double scale)
    {
        var denominator = 1;
        while (Training && denominator < 8 && scale * denominator * 2 <= 1)
            denominator *= 2;
        return denominator;
    }

    /// <summary>Notes a normalisation, to be applied when the pixels are next read or the batch is made.</summary>
    public void Normalize(Normalization normalization) => (_image, _encoded, _normalization) = (Image, null, normalization);

    /// <summary>For the batch loader: the pixels as they are stored, and the normalisation still to be applied
    /// (<see cref="Normalization.WritePlanes"/>).</summary>
    public (Image Pixels, Normalization Pending) TakePixels()
    {
        Decode(1);
        return (_image ?? throw new InvalidOperationException("No step has loaded the image."), _normalization ?? Normalization.None);
    }

    private void Decode(int denominator)
    {
        if (_encoded is null)
            return;
        (_image, _encoded) = (_encoded.Decode(denominator), null);
    }

    /// <summary>Reads the undecoded file. Kept so that the loading step decides how to decode.</summary>
    public Func<ReadOnlyMemory<byte>>? ReadFile { get; set; }

    /// <summary>Reads the segmentation map's undecoded file.</summary>
    public Func<ReadOnlyMemory<byte>>? ReadSegmentationFile { get; set; }

    /// <summary>What a person finds the segmentation map's file by, or would.</summary>
    public string? SegmentationName { get; set; }

    /// <summary>What the values of the segmentation map's file mean; null where they are class indices already.</summary>
    public LabelTable? LabelTable { get; set; }

    /// <summary>Index into the class names.</summary>
    public int? Label { get; set; }

    /// <summary>Multi-hot labels, [classes], 0 or 1 (or a probability).</summary>
    public float[]? MultiLabel { get; set; }

    /// <summary>Regression targets, [targets].</summary>
    public float[]? Targets { get; set; }

    public Boxes? Boxes { get; set; }

    /// <summary>The boxes as annotated, on the original image, for evaluation.</summary>
    public BoxAnnotation? BoxAnnotation { get; set; }

    /// <summary>The image's id in its annotation file; unset: one more than <see cref="Index"/>.</summary>
    public long? ImageId { get; set; }

    /// <summary>Class index of every pixel, H x W x 1, <see cref="PixelType.UInt8"/> or UInt16; 255 (65535) is ignored.</summary>
    public Image? SegmentationMap { get; set; }

    /// <summary>One mask per box, each H x W x 1, UInt8, 0 or 1.</summary>
    public IReadOnlyList<Image>? InstanceMasks { get; set; }

    /// <summary>Further targets that lie on the image's grid (depth, a clean image …), by name; geometric transforms move them
    /// along.</summary>
    public Dictionary<string, Image> ExtraMaps { get; } = [];

    /// <summary>Anything else, by name; transforms leave it alone.</summary>
    public Dictionary<string, object> Extras { get; } = [];

    /// <summary>Set once the image is read.</summary>
    public Geometry? Geometry { get; set; }
}
