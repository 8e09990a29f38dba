using Tessera.Framework.Data;

namespace Tessera.Tests.Framework.Data;

public sealed class ClassNameTests
{
    [Theory]
    [InlineData("cafe\u0301", "caf\u00e9")]
    [InlineData("e\u0302\u0301", "\u1ebf")]
    [InlineData("\u304b\u3099", "\u304c")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("x\u0301", "x\u0301")]
    [InlineData("plain", "plain")]
    [InlineData("\ud800", "\ud800")]
    public void Normalize_ComposesLettersAndMarks(string name, string composed)
    {
        Assert.Equal(composed, ClassNames.Normalize(name));
        Assert.Equal(composed, ClassNames.Normalize(composed));
        Assert.Equal(composed, new DataInfo([name], DataTask.Classification).Classes[0]);
    }
}
