using Tessera.Framework.Errors;
using Tessera.Tests.Tools.Data;

namespace Tessera.Tests.Tools.PseudoLabels;

/// <summary>Labels that are trained on and are the evaluation's truth.</summary>
public sealed class TruthOverlapTests : IDisposable
{
    private readonly SegmentationFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_copy_of_the_truth_as_labels_is_refused()
    {
        _files.Add("train", "only-trained", 1, 2, 2, 0, 0, 0, 0);
        _files.Add("val", "a", 5, 2, 2, 0, 1, 2, 0);
        _files.Add("val", "b", 6, 2, 2, 0, 1, 2, 0);
        _files.Add("pseudo", "a", 5, 2, 2, 0, 1, 2, 0);
        string[] pseudo = ["train.dataset.image_folder=val/image", "train.dataset.label_folder=pseudo/label"];
        var warnings = new List<string>();
        var message = Assert.Throws<UserErrorException>(() => Check(warnings, pseudo)).Message;
        Assert.Empty(warnings);
        Assert.StartsWith("val.dataset: 1 of its 1 images that were compared", message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("pseudo", "label", "a.png"), message, StringComparison.Ordinal);
    }

    /// <summary>Among thousands of images some may be there twice; that is no reason not to train.</summary>
    [Fact]
    public void Copies_of_images_that_are_trained_on_are_a_warning()
    {
        _files.Add("train", "only-trained", 1, 2, 2, 0, 0, 0, 0);
        _files.Add("train", "a", 5, 2, 2, 0, 1, 2, 0);
        _files.Add("val", "a", 5, 2, 2, 0, 1, 2, 0);
        _files.Add("val", "b", 6, 2, 2, 0, 1, 2, 0);
        var warnings = new List<string>();
        Check(warnings);
        var warning = Assert.Single(warnings);
        Assert.StartsWith("val.dataset: 1 of its 1 images that were compared", warning, StringComparison.Ordinal);
        Assert.Contains("as copies", warning, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("train", "label", "a.png"), warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_labels_or_other_photographs_are_allowed()
    {
        _files.Add("train", "a", 5, 2, 2, 0, 1, 2, 0);
        _files.Add("val", "a", 5, 2, 2, 0, 1, 1, 0); // pseudo labels
        _files.Add("train", "b", 6, 2, 2, 0, 0, 0, 0);
        _files.Add("val", "b", 7, 2, 2, 0, 0, 0, 0); // another photograph of the same name
        var warnings = new List<string>();
        Check(warnings);
        Assert.Empty(warnings);
    }

    [Fact]
    public void The_same_data_in_both_parts_is_a_warning()
    {
        _files.Add("train", "a", 5, 2, 2, 0, 1, 2, 0);
        var warnings = new List<string>();
        Check(warnings, "val.dataset.split=train");
        Assert.Contains("how well they are remembered", Assert.Single(warnings), StringComparison.Ordinal);
    }

    private void Check(List<string> warnings, params string[] overrides)
    {
        using var session = Session.Open(_files.Config, new SessionOptions { Overrides = overrides });
        DataChecks.RequireOtherTruth(session.Data[DataPart.Train], session.Data[DataPart.Val], "val.dataset", warnings.Add);
    }
}
