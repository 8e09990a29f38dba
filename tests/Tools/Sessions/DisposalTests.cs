namespace Tessera.Tests.Tools.Sessions;

public sealed class DisposalTests
{
    [Fact]
    public void Parts_AreDisposedInReverse_AlsoAfterAFailure()
    {
        var said = new List<string>();
        var stack = new DisposalStack();
        stack.Add(new Part(() => said.Add("first")));
        stack.Add(new Part(() => throw new IOException("the second fails")));
        stack.Add(new Part(() => said.Add("third")));
        var fault = Assert.Throws<AggregateException>(stack.Dispose);
        Assert.Equal("the second fails", Assert.Single(fault.InnerExceptions).Message);
        Assert.Equal(["third", "first"], said);
        stack.Dispose(); // nothing is left
        Assert.Equal(2, said.Count);
    }

    private sealed class Part(Action dispose) : IDisposable
    {
        public void Dispose() => dispose();
    }
}
