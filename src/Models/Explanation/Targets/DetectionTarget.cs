using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Targets;

/// <summary>The logit of the place, or of the proposal, that found an object, of each image one. Which that is was decided on the images as
/// they are, and stays when they are changed.</summary>
/// <remarks>It is explained at the map that the head looked at: its layer is fixed, and all objects are of one level.</remarks>
public sealed class DetectionTarget : ScoreTarget
{
    private readonly VisionModel _model;
    private readonly ILocatesObjects _locates;
    private readonly IReadOnlyList<string> _names;

    /// <param name="model">A detector that says which place found an object.</param>
    /// <param name="objects">Of each image one, as <see cref="ILocatesObjects.Locate"/> gives them.</param>
    /// <param name="names">Of all classes.</param>
    /// <exception cref="UserErrorException">The model does not say it, or the objects were found on maps of several levels.</exception>
    public DetectionTarget(VisionModel model, IReadOnlyList<DetectedObject> objects, IReadOnlyList<string> names)
    {
        (_model, _locates, Objects, _names) = (model, Locates(model), objects, names);
        var levels = objects.Select(found => found.Place.Level).Distinct().Order().ToArray();
        if (levels.Length != 1)
            throw new UserErrorException(
                $"Objects found on maps of several levels ({string.Join(", ", levels)}) can't be explained together: "
                    + "take one image at a time."
            );
        var place = objects[0].Place;
        Layer = new MapLayer(
            _locates.Pyramid,
            place.Level,
            MapForm.ChannelsFirst,
            new TokenGrid(place.Rows, place.Columns),
            $"the map of level {place.Level}, which found the object"
        );
    }

    /// <summary>Of each image.</summary>
    public IReadOnlyList<DetectedObject> Objects { get; }

    public override MapLayer Layer { get; }

    /// <summary>What a detector finds in each image, best first.</summary>
    /// <exception cref="UserErrorException">The model is no detector that says which place found an object.</exception>
    public static IReadOnlyList<IReadOnlyList<DetectedObject>> Find(VisionModel model, Batch batch) => Locates(model).Locate(batch);

    public override Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners) =>
        _locates.LogitsOf(outputs, [.. owners.Select(owner => Objects[owner])]);

    public override string NameOf(int image)
    {
        var found = Objects[image];
        var corners = string.Join(", ", found.Corners.Select(side => Text($"{side:0}")));
        return Text($"{_names[found.Label]} {found.Score:0.00}") + $" at ({corners})";
    }

    public override ScoreTarget Mirrored() =>
        new DetectionTarget(
            _model,
            [
                .. Objects.Select(found =>
                    found with
                    {
                        Place = found.Place with { Column = found.Place.Columns - 1 - found.Place.Column },
                        Region = found.Region?.Mirrored(),
                    }
                ),
            ],
            _names
        );

    private static ILocatesObjects Locates(VisionModel model) => model as ILocatesObjects ?? throw ExplanationErrors.LocatesNothing(model);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
