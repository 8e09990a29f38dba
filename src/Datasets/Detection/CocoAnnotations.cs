using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Gathers the annotations of a file in COCO's format.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class CocoAnnotations(CocoForm form, Findings findings, string path)
{
    private readonly Dictionary<long, int> _places = [];
    private readonly List<long> _categories = [];

    /// <summary>Each with its image's id, and as class the place of its category among <see cref="Categories"/>.</summary>
    public ObjectList List { get; } = new();

    /// <summary>Ids, as they come.</summary>
    public IReadOnlyList<long> Categories => _categories;

    /// <summary>Some have no box, but a mask that was passed over: the box is the one around it.</summary>
    public bool NeedsMasks { get; private set; }

    /// <summary>Reads an annotation that begins here.</summary>
    public void Read(ref JsonStream json)
    {
        long id = -1;
        long? image = null,
            category = null;
        double? area = null;
        var (crowd, ignore, fake, passed) = (false, false, false, false);
        ObjectMask? mask = null;
        Span<double> box = [double.NaN, double.NaN, double.NaN, double.NaN];
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("an annotation's \"id\"");
            else if (json.IsName("image_id"u8))
                image = json.NextWhole("\"image_id\"");
            else if (json.IsName("category_id"u8))
                category = json.NextWhole("\"category_id\"");
            else if (json.IsName("area"u8))
                area = json.NextNumber() is var value && double.IsFinite(value) ? value : null;
            else if (json.IsName("iscrowd"u8))
                crowd = json.NextFlag("\"iscrowd\"");
            else if (json.IsName("ignore"u8))
                ignore = json.NextFlag("\"ignore\"");
            else if (json.IsName("bbox"u8))
                Box(ref json, box);
            else if (form.Fake != MarkedObjects.Keep && json.IsName("isfake"u8))
                fake = json.NextFlag("\"isfake\"");
            else if (form.WithMasks && json.IsName("segmentation"u8))
                mask = CocoSegmentation.Next(ref json);
            else
            {
                passed |= json.IsName("segmentation"u8);
                json.Skip();
            }
        }
        var ofImage = image ?? throw json.Error($"annotation {id} has no \"image_id\".");
        var ofCategory = category ?? throw json.Error($"annotation {id} has no \"category_id\".");
        if (fake && form.Fake == MarkedObjects.Drop)
        {
            findings.LeaveOut(LeftOutKind.Box, "objects marked fake, which are dropped", $"{path}: annotation {id} of image {ofImage}");
            return;
        }
        NeedsMasks |= passed && form.Fake != MarkedObjects.Drop && double.IsNaN(box[0]) && double.IsNaN(box[2]);
        if (!_places.TryGetValue(ofCategory, out var place))
        {
            _places[ofCategory] = place = _categories.Count;
            _categories.Add(ofCategory);
        }
        List.Add(
            ofImage,
            new AnnotatedObject(box[0], box[1], box[2], box[3], place)
            {
                Area = area,
                Crowd = crowd,
                Difficult = ignore || fake,
                Place = id,
                Mask = mask,
            }
        );
    }

    /// <summary>Four numbers; what is none, or not there, is not a number, and judged with the others.</summary>
    private static void Box(ref JsonStream json, scoped Span<double> box)
    {
        json.Next();
        if (json.Type != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }
        var count = 0;
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (count < 4)
                box[count] = json.Number();
            count++;
            json.Skip();
        }
        if (count != 4)
            box.Fill(double.NaN);
    }
}
