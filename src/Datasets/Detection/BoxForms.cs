namespace Tessera.Datasets.Detection;

/// <summary>How the boxes of a data set are written, judged in the words of its files.</summary>
internal sealed class BoxForms
{
    private const int Most = 1 << 20;

    private readonly string _what;
    private readonly List<CornerBox> _corners = [];
    private readonly List<StatedBox> _stated = [];

    /// <param name="what">The annotations, for messages.</param>
    /// <param name="images">Of very many boxes as many are looked at as tell how they are written, spread over all.</param>
    public BoxForms(string what, List<AnnotatedImage> images)
    {
        _what = what;
        var step = 1 + images.Sum(image => (long)image.Objects.Count) / Most;
        var at = 0L;
        foreach (var image in images)
        foreach (var item in image.Objects)
        {
            if (at++ % step != 0 || !item.IsNumbers)
                continue;
            var box = new CornerBox(image, item);
            if (image.CornersFrom is null)
                _stated.Add(Stated(box));
            else
                _corners.Add(box);
        }
    }

    /// <summary>Why none of them can be used; null where they can.</summary>
    public string? Fault() =>
        _corners.Count > 0 ? CornerBoxJudgement.Fault(_corners) : Named(BoxJudgement.Fractions(_stated) ?? BoxJudgement.Corners(_stated));

    /// <summary>What they seem to be instead; null where nothing speaks against them.</summary>
    public string? Doubt() => _corners.Count > 0 ? CornerBoxJudgement.Doubt(_corners) : Named(BoxJudgement.Doubt(_stated));

    /// <summary>As x, y, width, height.</summary>
    public static StatedBox Stated(CornerBox box)
    {
        var (image, item) = box;
        return new StatedBox(item.X, item.Y, item.Width, item.Height, image.Height, image.Width);
    }

    private string? Named(string? judgement) => judgement is null ? null : $"{_what}: {judgement}";
}
